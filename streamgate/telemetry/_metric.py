"""What a metric is, and what keeps its labels bounded. Names end in their unit, as Prometheus asks; counters in ``_total``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from streamgate.errors import Code, Status
from streamgate.types import Role, Topic

PREFIX: Final = "streamgate_"
OTHER: Final = "other"
"""Stands for every label value outside its set."""


@unique
class Kind(StrEnum):
    """How a metric behaves."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"
    AGE = "age"
    """A gauge worked out when the page is asked for: seconds since the last update."""


@unique
class Label(StrEnum):
    """Label names; each has one closed set of values (:class:`Known`)."""

    STATUS = "status"
    CODE = "code"
    TENANT = "tenant"
    PURPOSE = "purpose"
    PERIOD = "period"
    ENTITY = "entity"
    TOPIC = "topic"
    MODEL = "model"
    REASON = "reason"
    DIRECTION = "direction"
    RESULT = "result"
    DECISION = "decision"
    RIGHT = "right"
    FACT = "fact"
    PART = "part"
    ROLE = "role"
    STATE = "state"
    STEP = "step"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``name`` carries the prefix and the unit."""

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, without infinity."""


@dataclass(frozen=True, slots=True)
class Update:
    """One change of one metric: add to a counter, observe in a histogram, set a gauge, let an age begin at ``value`` seconds."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()
    """In the order of the metric's labels; not yet bounded."""


_OWN: Final[Mapping[Label, frozenset[str]]] = {
    Label.STATUS: frozenset(status.value for status in Status),
    Label.CODE: frozenset(code.value for code in Code),
    Label.DIRECTION: frozenset({"prompt", "completion"}),
    Label.PERIOD: frozenset({"day", "month"}),
    Label.RESULT: frozenset({"hit", "miss"}),
    Label.DECISION: frozenset({"grant", "withdraw"}),
    Label.RIGHT: frozenset({"erase", "export"}),
    Label.ROLE: frozenset(role.value for role in Role) | {"demo"},
    Label.STATE: frozenset({"started", "python_stream_iterator", "ready", "draining", "stopped", "failed"})
    | {"formed", "uploaded", "running", "ended", "deleting", "watched"},
    Label.STEP: frozenset({"redact", "complete", "restore"}),
    Label.COMMAND: frozenset({"show", "replay"}),
    Label.TOPIC: frozenset(topic.value for topic in Topic) | {"sweep"},
}


@dataclass(frozen=True, slots=True)
class Known:
    """The values that labels may take. What belongs to the policy or to another package is given; the rest is declared here."""

    models: frozenset[str] = frozenset()
    """As the policy names them."""
    tenants: frozenset[str] = frozenset()
    """As the policy names them."""
    purposes: frozenset[str] = frozenset()
    """As the policy names them."""
    entities: frozenset[str] = frozenset()
    """``detect.EntityType``, and what vault masks besides."""
    reasons: frozenset[str] = frozenset()
    """Why a call is made again; from ``provider``."""
    audit_facts: frozenset[str] = frozenset()
    """``audit.AuditFact``."""
    parts: frozenset[str] = frozenset()
    """What can be unavailable."""

    def values(self, label: Label) -> frozenset[str]:
        """The closed set of a label."""
        given = {
            Label.MODEL: self.models,
            Label.TENANT: self.tenants,
            Label.PURPOSE: self.purposes,
            Label.ENTITY: self.entities,
            Label.REASON: self.reasons,
            Label.FACT: self.audit_facts,
            Label.PART: self.parts,
        }
        return given[label] if label in given else _OWN[label]

    def bound(self, update: Update) -> tuple[str, ...]:
        """The update's label values, each from its set or ``other``."""
        pairs = zip(update.metric.labels, update.labels, strict=True)
        return tuple(str(value) if value in self.values(label) else OTHER for label, value in pairs)

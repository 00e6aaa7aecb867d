"""What a run left behind, as plain values: what was sent, what the topics hold, what the provider was asked, what was broken and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique

from streamgate.demo.soak._fault import Kind
from streamgate.types import Topic


@unique
class Sort(StrEnum):
    """What a record on the prompts topic was meant as."""

    PROMPT = "prompt"
    COPY = "copy"
    CONFLICT = "conflict"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """A record of a prompts topic."""

    sort: Sort
    event_id: str
    subject: str
    partition: int
    offset: int
    at_ms: int
    topic: str = Topic.PROMPTS


@dataclass(frozen=True, slots=True, repr=False)
class Ended:
    """A response."""

    event_id: str
    partition: int
    offset: int
    at_ms: int
    digest: bytes
    """Of its bytes."""
    status: str
    code: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, by the place of its original."""

    topic: str
    partition: int
    offset: int
    code: str


@dataclass(frozen=True, slots=True)
class Noted:
    """An audit event."""

    partition: int
    offset: int
    fact: str
    code: str | None
    request_id: bytes | None


@dataclass(frozen=True, slots=True)
class Call:
    """A request that the provider got. ``paid`` where it worked on it, whether or not the answer arrived."""

    content: bytes
    """Digest of its messages."""
    at_ms: int
    status: int
    paid: bool
    tokens: int = 0
    injected: bool = False
    """Whether a fault of the schedule decided the status."""


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault as it was carried out."""

    number: int
    kind: Kind
    target: str
    began_ms: int
    ended_ms: int


@dataclass(frozen=True, slots=True, repr=False)
class Forbidden:
    """From when on a subject's prompts may not be answered: a withdrawal, or an erasure."""

    subject: str
    at_ms: int
    """When the withdrawal was acknowledged by Kafka, or the erasure's receipt was written."""
    erased_ms: int | None = None
    """When the erasure was asked for: prompts sent later are those of a new incarnation."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What the provider allows in a minute."""

    requests: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Evidence:
    """Everything that the checker looks at."""

    limit: Limit
    sent: tuple[Sent, ...] = ()
    responses: tuple[Ended, ...] = ()
    letters: tuple[Letter, ...] = ()
    audit: tuple[Noted, ...] = ()
    linked: frozenset[tuple[int, int]] = frozenset()
    """Partition and offset of each audit event that has its entry in the chain."""
    breaks: Mapping[int, str] = field(default_factory=dict)
    """Kind of the first break, by partition of the audit log."""
    requests: Mapping[bytes, bytes] = field(default_factory=dict)
    """Digest of a request's messages to its id."""
    calls: tuple[Call, ...] = ()
    faults: tuple[Happened, ...] = ()
    forbidden: tuple[Forbidden, ...] = ()
    leaks: tuple[str, ...] = ()
    """Kind of value and place, where a canary was found."""
    crashes: tuple[str, ...] = ()
    """Workers that ended by themselves, or did not end when they were asked to."""

"""What an audit event may say. Its constraints keep personal data out by form: references, codes, policy names, counts and durations.

A form cannot tell a policy's name from a person's. So whoever builds an event passes only names that the policy knows, through
:func:`known_name`; a name that the form refuses raises here, before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any, Final

from streamgate.errors import Code
from streamgate.types import Role

ID_BYTES: Final = 16
MAX_LONG: Final = 2**63 - 1

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")
_BASIS: Final = re.compile(r"[a-z_]{1,32}")
_VERSION: Final = re.compile(r"[A-Za-z0-9._:;,=+/ ()-]{1,256}")
_COUNT_KEY: Final = re.compile(r"[a-zA-Z_.\[\]-]{1,64}")
_COST: Final = re.compile(r"\d{1,26}(\.\d{1,12})? [A-Z]{3}")
_PROVIDER_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_OPERATOR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_REASON: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,:;#_/()+-]{2,119}")
_LETTER: Final = re.compile(r"[0-9]{1,10}@[0-9]{1,19}")
_CODES: Final = frozenset(code.value for code in Code)
_ROLES: Final = frozenset(role.value for role in Role)


@unique
class AuditFact(StrEnum):
    """The closed set; equal to the enum in ``schemas/audit-events/v1.avsc``."""

    PROMPT_ACCEPTED = "prompt_accepted"
    PROMPT_REFUSED = "prompt_refused"
    PROMPT_FAILED = "prompt_failed"
    PROMPT_ANSWERED = "prompt_answered"
    PROMPT_COPY = "prompt_copy"
    LATE_COMPLETION = "late_completion"
    DEAD_LETTERED = "dead_lettered"
    CALL_INTENDED = "call_intended"
    CALL_COMPLETED = "call_completed"
    CALL_FAILED = "call_failed"
    CONSENT_GRANTED = "consent_granted"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    SUBJECT_ENROLLED = "subject_enrolled"
    SUBJECT_ERASED = "subject_erased"
    SUBJECT_EXPORTED = "subject_exported"
    LETTER_OPENED = "letter_opened"
    LETTER_REPLAYED = "letter_replayed"
    LETTER_REFUSED = "letter_refused"


def known_name(name: str | None, known: Container[str]) -> str | None:
    """The name where the policy knows it, else ``None``: an unknown tenant's or purpose's name is the sender's text."""
    return name if name is not None and name in known else None


def operator_and_reason_fit(operator: str, reason: str) -> bool:
    """Whether the audit log takes both: an account name, and 3 to 120 characters of plain ASCII text."""
    return _fits(_OPERATOR, operator) and _fits(_REASON, reason)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One fact for the audit log. Building one with anything that is not of the stated form raises ``ValueError`` naming the field only."""

    event_id: bytes
    at_ms: int
    role: str
    fact: AuditFact
    reference: bytes | None = None
    request_id: bytes | None = None
    tenant: str | None = None
    purpose: str | None = None
    basis: str | None = None
    """GDPR Art. 6(1), as the policy names it."""
    model: str | None = None
    code: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """By entity type, action or token kind."""
    timings_ms: Mapping[str, int] = field(default_factory=dict)
    cost: str | None = None
    """What a request's calls cost as far as it is known: an exact decimal and the currency, such as ``0.000325 USD``."""
    policy_version: str | None = None
    detector_version: str | None = None
    provider_request_id: str | None = None
    """Chosen by the provider, so it may be anything: one that is not of the usual form is left out of the record, not refused."""
    operator: str | None = field(default=None, repr=False)
    """Account name of who asked for something that only operators may."""
    reason: str | None = field(default=None, repr=False)
    """Why they asked. Their own words, within :func:`operator_and_reason_fit`."""
    letter: str | None = None
    """Partition and offset of a dead letter, as ``2@17``."""

    def __post_init__(self) -> None:
        """Check every field against its form."""
        _require("event_id", _is_id(self.event_id))
        _require("at_ms", _is_count(self.at_ms))
        _require("role", self.role in _ROLES)
        _require("fact", isinstance(self.fact, AuditFact))
        _require("reference", self.reference is None or _is_id(self.reference))
        _require("request_id", self.request_id is None or _is_id(self.request_id))
        _require("tenant", _fits(_NAME, self.tenant))
        _require("purpose", _fits(_NAME, self.purpose))
        _require("basis", _fits(_BASIS, self.basis))
        _require("model", _fits(_NAME, self.model))
        _require("code", self.code is None or self.code in _CODES)
        _require("counts", _are_counts(self.counts))
        _require("timings_ms", _are_counts(self.timings_ms))
        _require("cost", _fits(_COST, self.cost))
        _require("policy_version", _fits(_VERSION, self.policy_version))
        _require("detector_version", _fits(_VERSION, self.detector_version))
        _require("operator", _fits(_OPERATOR, self.operator))
        _require("reason", _fits(_REASON, self.reason))
        _require("letter", _fits(_LETTER, self.letter))

    def record(self) -> dict[str, Any]:
        """The event by the field names of its schema, for the Avro encoder."""
        return {
            "event_id": self.event_id,
            "at": self.at_ms,
            "role": str(self.role),
            "fact": self.fact.value,
            "reference": self.reference,
            "request_id": self.request_id,
            "tenant": self.tenant,
            "purpose": self.purpose,
            "basis": None if self.basis is None else str(self.basis),
            "model": self.model,
            "code": None if self.code is None else str(self.code),
            "counts": {str(key): int(count) for key, count in self.counts.items()},
            "timings_ms": {str(key): int(count) for key, count in self.timings_ms.items()},
            "cost": self.cost,
            "policy_version": self.policy_version,
            "detector_version": self.detector_version,
            "provider_request_id": self.provider_request_id if _fits(_PROVIDER_ID, self.provider_request_id) else None,
            "operator": self.operator,
            "reason": self.reason,
            "letter": self.letter,
        }


def _require(name: str, fits: bool) -> None:  # noqa: FBT001  the outcome of a check, not a mode
    """Raise without the value."""
    if not fits:
        raise ValueError(f"audit event: {name} is not of the form the audit log allows")


def _is_id(value: object) -> bool:
    """A random identifier."""
    return isinstance(value, bytes) and len(value) == ID_BYTES


def _is_count(value: object) -> bool:
    """A whole number that an Avro long holds; a boolean is none."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_LONG


def _fits(form: re.Pattern[str], value: str | None) -> bool:
    """Whether an optional text is wholly of a form."""
    return value is None or (isinstance(value, str) and form.fullmatch(value) is not None)


def _are_counts(counts: Mapping[str, int]) -> bool:
    """Whether keys are names and values whole numbers."""
    return all(isinstance(key, str) and _COUNT_KEY.fullmatch(key) is not None and _is_count(count) for key, count in counts.items())

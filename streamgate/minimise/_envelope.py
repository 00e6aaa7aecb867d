"""Who sent a prompt about whom, for what and until when: the fields with a role, in any producer's record type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from streamgate.codec import Schema
from streamgate.errors import Code, Refused, Unreadable
from streamgate.minimise._plan import roles
from streamgate.types import Subject

EVENT_ID_CHARACTERS: Final = 128
NAME_CHARACTERS: Final = 256
TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
"""W3C Trace Context, section 3.2."""
LATEST_MS: Final = 253_402_300_799_999
"""The end of the year 9999."""


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """What is read of a prompt before its content."""

    event_id: str
    subject: Subject
    purpose: str
    created_at_ms: int
    deadline_at_ms: int | None
    reply_topic: str | None
    traceparent: str | None
    model: str | None
    batch: bool = False
    """Marked for the provider's batches."""

    def __repr__(self) -> str:
        """Show nothing that a producer wrote."""
        return f"Envelope({self.subject!r})"


def read_envelope(schema: Schema, record: Mapping[str, Any]) -> Envelope:
    """Read it; ``Unreadable`` where nobody could be answered (event id, tenant, subject), else ``Refused`` naming the role."""
    reader = _Reader(roles(schema), record)
    event_id = reader.identity("event_id", EVENT_ID_CHARACTERS)
    tenant = reader.identity("tenant", NAME_CHARACTERS)
    subject_id = reader.identity("subject", NAME_CHARACTERS)
    return Envelope(
        event_id=event_id,
        subject=Subject(tenant, subject_id),
        purpose=reader.text("purpose", NAME_CHARACTERS, required=True) or "",
        created_at_ms=reader.time("created_at") or 0,
        deadline_at_ms=reader.time("deadline"),
        reply_topic=reader.text("reply_topic", NAME_CHARACTERS),
        traceparent=_traceparent(reader.value("traceparent")),
        model=reader.text("model", NAME_CHARACTERS),
        batch=reader.mark("batch"),
    )


@dataclass(frozen=True, slots=True, repr=False)
class _Reader:
    paths: Mapping[str, str]
    record: Mapping[str, Any]

    def value(self, role: str) -> Any:
        """What stands at a role's path, or ``None``."""
        path = self.paths.get(role)
        if path is None or "[]" in path or "{}" in path:
            return None
        found: Any = self.record
        for name in path.split("."):
            if not isinstance(found, Mapping):
                return None
            found = found.get(name)
        return found

    def identity(self, role: str, longest: int) -> str:
        value = self.value(role)
        if value is None or value == "":
            raise Unreadable(Code.MISSING_FIELD, role)
        if not isinstance(value, str) or len(value) > longest or "\x1f" in value or not well_formed(value):
            raise Unreadable(Code.INVALID_FIELD, role)
        return value

    def text(self, role: str, longest: int, *, required: bool = False) -> str | None:
        value = self.value(role)
        if value is None or value == "":
            if required:
                raise Refused(Code.MISSING_FIELD, role)
            return None
        if not isinstance(value, str) or len(value) > longest or not well_formed(value):
            raise Refused(Code.INVALID_FIELD, role)
        return value

    def mark(self, role: str) -> bool:
        value = self.value(role)
        if value is not None and not isinstance(value, bool):
            raise Refused(Code.INVALID_FIELD, role)
        return value is True

    def time(self, role: str) -> int | None:
        value = self.value(role)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LATEST_MS:
            raise Refused(Code.INVALID_FIELD, role)
        return value


def _traceparent(value: Any) -> str | None:
    """Anything else than a trace context is as good as none: it must not carry text past the masking."""
    return value if isinstance(value, str) and TRACEPARENT.fullmatch(value) else None


def well_formed(text: str) -> bool:
    """Whether a text has no lone surrogates, and so can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

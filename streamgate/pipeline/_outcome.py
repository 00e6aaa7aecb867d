"""The outcome of one prompt, as a state row.

A row is first ``open`` (a request was issued), then ``decided`` (what the response says is fixed), then ``settled`` (the response's
offset is known). What was decided is never changed; a redelivery of the record that decided it publishes the same bytes again.

Persisted form: version byte 1, then JSON (UTF-8, sorted keys, no blanks); sealed by ``StateSealer`` under its row key. Version 2 is
the same with ``response_partition``, and written only where there is one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum, unique
from typing import Final

from streamgate.errors import Code, SealBroken, Status
from streamgate.types import Subject

VERSION: Final = b"\x01"
VERSION_MOVED: Final = b"\x02"
NOWHERE: Final = -1
"""Offset of a record that is on no partition of its subject any more: no record that is read stands there."""


@unique
class Phase(StrEnum):
    """Where an outcome stands."""

    OPEN = "open"
    DECIDED = "decided"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, repr=False)
class Source:
    """The record that decided: its redelivery decides the same again."""

    topic: str
    offset: int


SWEEP: Final = Source("sweep", 0)


@dataclass(frozen=True, slots=True, repr=False)
class Outcome:
    """What vault remembers of one prompt. Times are milliseconds since the epoch."""

    phase: Phase
    tenant: str
    subject_id: str
    event_id: str
    purpose: str
    basis: str
    reply_topic: str
    model: str
    incarnation: int
    digest: str
    """Keyed digest of the prompt's bytes, hexadecimal."""
    arrived_ms: int
    deadline_ms: int
    opened_by: Source
    request_id: str = ""
    traceparent: str | None = None
    status: Status | None = None
    code: Code = Code.OK
    decided_by: Source | None = None
    decided_ms: int = 0
    response_offset: int | None = None
    response_partition: int | None = None
    """Where the response stands; ``None``: on the partition of this row. Another one after the partition count was changed."""

    def __repr__(self) -> str:
        """Show the phase and the code only."""
        return f"Outcome({self.phase}, {self.code})"

    @property
    def subject(self) -> Subject:
        """Whose prompt it is."""
        return Subject(self.tenant, self.subject_id)

    @property
    def forgotten(self) -> bool:
        """Whether the identifying fields were removed after an erasure."""
        return self.phase is Phase.SETTLED and not self.event_id

    def decided(self, status: Status, code: Code, by: Source, now_ms: int) -> Outcome:
        """The same prompt with its end fixed."""
        return replace(self, phase=Phase.DECIDED, status=status, code=code, decided_by=by, decided_ms=now_ms)

    def settled(self, offset: int) -> Outcome:
        """The same prompt with its response published."""
        return replace(self, phase=Phase.SETTLED, response_offset=offset, response_partition=None)

    def moved(self, partition: int) -> Outcome:
        """The same outcome, to be kept elsewhere than on ``partition``: its response stays there, and its records are not read again."""
        stands = partition if self.response_partition is None else self.response_partition
        return replace(
            self,
            opened_by=replace(self.opened_by, offset=NOWHERE),
            decided_by=None if self.decided_by is None else replace(self.decided_by, offset=NOWHERE),
            response_partition=None if self.response_offset is None else stands,
        )

    def forget(self) -> Outcome:
        """The same outcome without anything that points to a person; only digests and codes remain."""
        return replace(self, subject_id="", event_id="", request_id="", traceparent=None)

    def to_bytes(self) -> bytes:
        """The persisted form, before sealing."""
        fields, version = asdict(self), VERSION_MOVED
        if self.response_partition is None:
            version = VERSION
            del fields["response_partition"]
        return version + json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Outcome:
        """Read the persisted form; raise ``SealBroken`` for an unknown version."""
        if data[:1] not in {VERSION, VERSION_MOVED}:
            raise SealBroken("outcome version")
        fields = json.loads(data[1:])
        fields["phase"] = Phase(fields["phase"])
        fields["code"] = Code(fields["code"])
        fields["status"] = Status(fields["status"]) if fields["status"] else None
        fields["opened_by"] = Source(**fields["opened_by"])
        fields["decided_by"] = Source(**fields["decided_by"]) if fields["decided_by"] else None
        return cls(**fields)

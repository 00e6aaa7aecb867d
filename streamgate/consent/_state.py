"""What one data subject has decided: the latest decision per purpose, and the latest about all purposes.

Persisted form (big-endian), one row per subject::

    version    1 byte   0x01
    count      2 bytes  entries, all-purposes first, then purposes by code point
    entry      flags    1 byte   bit 0: withdraw, bit 1: all purposes
               length   1 byte   of the name; 0 for all purposes
               name     UTF-8
               decided  8 bytes  signed, milliseconds since the epoch
               offset   8 bytes  signed, of the record on the consents topic; −1 after a move to another partition
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from typing import Final

from streamgate.errors import SealBroken

VERSION: Final = 1
MAX_NAME_BYTES: Final = 255
_WITHDRAW: Final = 1
_ALL: Final = 2
_BEFORE_ALL: Final = -1
_HEAD: Final = struct.Struct(">BH")
_ENTRY: Final = struct.Struct(">BB")
_TIMES: Final = struct.Struct(">qq")


@unique
class Decision(StrEnum):
    """What a data subject said. ``withdraw`` is also an objection (GDPR Art. 21) and an opt-out (CCPA)."""

    GRANT = "grant"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, repr=False)
class ConsentEvent:
    """One decision about one purpose, or about all where ``purpose`` is ``None``."""

    purpose: str | None
    decision: Decision
    decided_at_ms: int
    offset: int
    """Of its record on the consents topic; before every record there once the subject has moved to another partition."""

    def outranks(self, other: ConsentEvent) -> bool:
        """A total order, so that arrival does not matter: the later one; of two at one time the withdrawal; then the offset."""
        return self._rank() > other._rank()

    def _rank(self) -> tuple[int, bool, int]:
        return self.decided_at_ms, self.decision is Decision.WITHDRAW, self.offset


@dataclass(frozen=True, slots=True, repr=False)
class ConsentState:
    """The latest decision per purpose; ``None`` stands for all purposes."""

    latest: Mapping[str | None, ConsentEvent] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Show how many decisions there are."""
        return f"ConsentState({len(self.latest)} decisions)"

    def governing(self, purpose: str) -> ConsentEvent | None:
        """The decision that counts for ``purpose``: its own or the one about all, whichever outranks the other."""
        own, about_all = self.latest.get(purpose), self.latest.get(None)
        if own is None or about_all is None:
            return own or about_all
        return own if own.outranks(about_all) else about_all

    def events(self) -> tuple[ConsentEvent, ...]:
        """Every decision held, the one about all first, then by name."""
        return tuple(self.latest[key] for key in sorted(self.latest, key=lambda key: (key is not None, key or "")))

    def moved(self) -> ConsentState:
        """The same decisions on another partition: their records stand before everything there."""
        return ConsentState({purpose: replace(event, offset=_BEFORE_ALL) for purpose, event in self.latest.items()})

    def to_bytes(self) -> bytes:
        """The persisted form, before sealing."""
        return _HEAD.pack(VERSION, len(self.latest)) + b"".join(_pack(event) for event in self.events())

    @classmethod
    def from_bytes(cls, data: bytes) -> ConsentState:
        """Read the persisted form; raise ``SealBroken`` for an unknown version or bytes that do not fit."""
        if data[:1] != bytes((VERSION,)):
            raise SealBroken("consent state version")
        try:
            return cls(_unpack(data))
        except (struct.error, UnicodeDecodeError, ValueError):
            raise SealBroken("consent state bytes") from None


def _pack(event: ConsentEvent) -> bytes:
    name = b"" if event.purpose is None else event.purpose.encode()
    flags = (_WITHDRAW if event.decision is Decision.WITHDRAW else 0) | (_ALL if event.purpose is None else 0)
    return _ENTRY.pack(flags, len(name)) + name + _TIMES.pack(event.decided_at_ms, event.offset)


def _unpack(data: bytes) -> dict[str | None, ConsentEvent]:
    _, count = _HEAD.unpack_from(data)
    at, latest = _HEAD.size, dict[str | None, ConsentEvent]()
    for _ in range(count):
        flags, length = _ENTRY.unpack_from(data, at)
        at += _ENTRY.size
        decided_at_ms, offset = _TIMES.unpack_from(data, at + length)
        purpose = None if flags & _ALL else data[at : at + length].decode()
        latest[purpose] = ConsentEvent(purpose, Decision.WITHDRAW if flags & _WITHDRAW else Decision.GRANT, decided_at_ms, offset)
        at += length + _TIMES.size
    state = ConsentState(latest)
    if at != len(data) or len(latest) != count or state.to_bytes() != data:
        raise ValueError
    return latest

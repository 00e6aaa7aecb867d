"""Whether a data subject is known, and what an erasure forbids for ever: one state table.

========== ============================== ==============================================
from       enrol                          erase (GDPR Art. 17)
========== ============================== ==============================================
absent     enrolled, incarnation 1        erased, incarnation 0
enrolled   illegal                        erased, same incarnation
erased     enrolled, incarnation + 1      erased, same incarnation, later fences
========== ============================== ==============================================

A fence is the end offset of an input topic at the moment of an erasure. Fences only grow, and they stay through every later
enrolment: a record below its topic's fence is never admitted again. Only a move to another partition sets them anew. An absent
subject can be erased, because prompts of theirs may be on their way. A redelivered erasure is known by its own topic's fence:
``admits`` says no, and its caller does not erase again.

Persisted form (big-endian), one row per subject::

    version      1 byte    0x01
    state        1 byte    0: enrolled, 1: erased
    incarnation  4 bytes
    reference    16 bytes  all zero for incarnation 0
    key id       8 bytes   all zero for incarnation 0
    enrolled     8 bytes   signed, milliseconds since the epoch; 0 for incarnation 0
    erased       8 bytes   signed, milliseconds since the epoch; 0 where enrolled
    count        1 byte    fences, by topic name
    fence        length 1 byte, topic in UTF-8, end offset 8 bytes signed
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from typing import Final

from streamgate.errors import Code, SealBroken, StreamgateError

VERSION: Final = 1
REFERENCE_BYTES: Final = 16
KEY_ID_BYTES: Final = 8
_HEAD: Final = struct.Struct(">BBI16s8sqqB")
_OFFSET: Final = struct.Struct(">q")


@unique
class Standing(StrEnum):
    """The states of the table."""

    ABSENT = "absent"
    ENROLLED = "enrolled"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What is kept about a data subject's presence. It names nobody: its row key is a keyed digest."""

    incarnation: int
    reference: bytes
    """16 random bytes that stand for this incarnation outside vault."""
    key_id: bytes
    """8 bytes; the subject key of this incarnation."""
    enrolled_at_ms: int
    erased_at_ms: int | None = None
    fences: Mapping[str, int] = field(default_factory=dict)
    """End offset by logical topic, on the subject's partition, at the latest erasure."""

    def __post_init__(self) -> None:
        """Refuse sizes that the persisted form cannot hold."""
        if len(self.reference) != REFERENCE_BYTES or len(self.key_id) != KEY_ID_BYTES or self.incarnation < 0:
            raise StreamgateError(Code.INTERNAL_ERROR, "enrolment fields")

    def __repr__(self) -> str:
        """Show the state and no reference: it links audit entries to each other."""
        return f"Enrolment({standing(self)}, incarnation {self.incarnation})"

    def moved(self, read: Mapping[str, int]) -> Enrolment:
        """The same on another partition; ``read`` says how far each topic had been read there before the subject came.

        What of the subject was before an erasure stands on other partitions, or there before ``read``; what comes from now on, after it.
        """
        return replace(self, fences={topic: read.get(topic, 0) for topic in self.fences})

    def to_bytes(self) -> bytes:
        """The persisted form, before sealing."""
        erased = self.erased_at_ms is not None
        head = _HEAD.pack(
            VERSION, erased, self.incarnation, self.reference, self.key_id, self.enrolled_at_ms, self.erased_at_ms or 0, len(self.fences)
        )
        names = ((topic.encode(), offset) for topic, offset in sorted(self.fences.items()))
        return head + b"".join(bytes((len(name),)) + name + _OFFSET.pack(offset) for name, offset in names)

    @classmethod
    def from_bytes(cls, data: bytes) -> Enrolment:
        """Read the persisted form; raise ``SealBroken`` for an unknown version or bytes that do not fit."""
        if data[:1] != bytes((VERSION,)):
            raise SealBroken("enrolment version")
        try:
            _, erased, incarnation, reference, key_id, enrolled_at_ms, erased_at_ms, count = _HEAD.unpack_from(data)
            fences, at = dict[str, int](), _HEAD.size
            for _ in range(count):
                end = at + 1 + data[at]
                fences[data[at + 1 : end].decode()] = _OFFSET.unpack_from(data, end)[0]
                at = end + _OFFSET.size
            enrolment = cls(incarnation, reference, key_id, enrolled_at_ms, erased_at_ms if erased else None, fences)
        except (struct.error, IndexError, UnicodeDecodeError):
            raise SealBroken("enrolment bytes") from None
        if enrolment.to_bytes() != data:
            raise SealBroken("enrolment bytes")
        return enrolment


def standing(current: Enrolment | None) -> Standing:
    """Which state of the table this is."""
    if current is None:
        return Standing.ABSENT
    return Standing.ENROLLED if current.erased_at_ms is None else Standing.ERASED


def enrol(current: Enrolment | None, now_ms: int, *, reference: bytes, key_id: bytes) -> Enrolment:
    """A new incarnation, with a reference and a key never used before; raise ``StreamgateError`` where one is enrolled already."""
    if current is None:
        return Enrolment(1, reference, key_id, now_ms)
    if standing(current) is Standing.ENROLLED:
        raise StreamgateError(Code.INTERNAL_ERROR, "enrol: already enrolled")
    if reference == current.reference or key_id == current.key_id:
        raise StreamgateError(Code.INTERNAL_ERROR, "enrol: reference or key of an erased incarnation")
    return Enrolment(current.incarnation + 1, reference, key_id, now_ms, None, current.fences)


def erase(current: Enrolment | None, now_ms: int, fences: Mapping[str, int]) -> Enrolment:
    """The state after an erasure; ``fences`` are the end offsets of the input topics now, by logical name."""
    if current is None:
        return Enrolment(0, bytes(REFERENCE_BYTES), bytes(KEY_ID_BYTES), 0, now_ms, dict(fences))
    grown = {topic: max(current.fences.get(topic, 0), fences.get(topic, 0)) for topic in {*current.fences, *fences}}
    return replace(current, erased_at_ms=now_ms, fences=grown)


def admits(enrolment: Enrolment | None, topic: str, offset: int) -> bool:
    """Whether a record at ``offset`` of ``topic`` came after every erasure; where not, it is refused as ``SUBJECT_ERASED``."""
    return enrolment is None or offset >= enrolment.fences.get(topic, 0)

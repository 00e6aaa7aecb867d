"""How a record's bytes name the schema they were written with.

* Avro single-object encoding (Avro 1.12, "Single-object encoding"): ``C3 01``, CRC-64-AVRO fingerprint (8 bytes, little-endian), body;
* Confluent wire format: ``00``, schema id (4 bytes, big-endian), body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streamgate.errors import Code, Unreadable

SINGLE_OBJECT: Final = b"\xc3\x01"
CONFLUENT: Final = b"\x00"


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """One of ``fingerprint`` and ``schema_id`` is set."""

    payload: bytes
    fingerprint: bytes | None = None
    schema_id: int | None = None

    def __repr__(self) -> str:
        """Show sizes only."""
        return f"Frame({len(self.payload)} bytes)"


def parse_frame(data: bytes | None) -> Frame:
    """Split a record's value; raise ``Unreadable(NOT_AVRO)`` where it is in neither framing."""
    if data is not None and data[:2] == SINGLE_OBJECT and len(data) >= 10:  # noqa: PLR2004  marker and fingerprint
        return Frame(data[10:], fingerprint=data[2:10])
    if data is not None and data[:1] == CONFLUENT and len(data) >= 5:  # noqa: PLR2004  magic and id
        return Frame(data[5:], schema_id=int.from_bytes(data[1:5], "big"))
    raise Unreadable(Code.NOT_AVRO)


def framed(fingerprint: bytes, payload: bytes) -> bytes:
    """A record's value in single-object encoding."""
    return SINGLE_OBJECT + fingerprint + payload

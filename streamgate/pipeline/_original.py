"""The record that a dead letter is about: its bytes in the letter, and what it carries when it is published again.

Grammar, before sealing, big-endian: version byte; key; value; then for each header, by name, its name and its value. Each part is its
length (4 bytes signed, −1 for none) and its bytes. The value of an original that no dead letter has room for is left out; the dead letter
says how long it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from streamgate.errors import SealBroken
from streamgate.pipeline.ports.stage import LARGEST_OUTPUT_BYTES
from streamgate.types import KEY_SEPARATOR, Inbound, Subject

VERSION: Final = b"\x01"
LENGTH_BYTES: Final = 4
KEY_AND_VALUE: Final = 2
LARGEST_ORIGINAL_BYTES: Final = LARGEST_OUTPUT_BYTES // 2
"""Of a dead letter's original; more than an input topic takes."""
LETTER_HEADER: Final = "streamgate-letter"
"""On a replayed record: partition and offset of its dead letter."""
FIRST_OFFSET_HEADER: Final = "streamgate-first-offset"
"""On a replayed record: the offset on the same topic partition at which it stood first. See :func:`first_offset`."""
_OFFSET: Final = re.compile(rb"[0-9]{1,19}")

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True, repr=False)
class Original:
    """Key, value and headers of a record that could not be processed."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    """By name; each name once."""

    def __repr__(self) -> str:
        """Show sizes only."""
        return f"Original({len(self.value or b'')} bytes)"

    @classmethod
    def of(cls, record: Inbound) -> Original:
        """What a letter keeps of a record."""
        value = record.value if len(record.value or b"") <= LARGEST_ORIGINAL_BYTES else None
        return cls(record.key, value, tuple(sorted(record.headers.items())))

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        return sum(len(part or b"") for part in self._parts())

    @property
    def subject(self) -> Subject | None:
        """Whom the key names. A key of another form names nobody, and a record under it is never processed."""
        tenant, separator, subject_id = (self.key or b"").partition(KEY_SEPARATOR)
        try:
            return Subject(tenant.decode(), subject_id.decode()) if separator else None
        except UnicodeDecodeError:
            return None

    def replayed(self, letter: str, source_offset: int) -> Headers:
        """Headers for publishing it again: its own, which letter it comes from, and where it stood first."""
        own = dict(self.headers)
        first = earliest(own, source_offset)
        return tuple(sorted((own | {LETTER_HEADER: letter.encode(), FIRST_OFFSET_HEADER: str(first).encode()}).items()))

    def to_bytes(self) -> bytes:
        """The form that is sealed."""
        return VERSION + b"".join(map(_part, self._parts()))

    def _parts(self) -> Iterator[bytes | None]:
        yield self.key
        yield self.value
        for name, held in self.headers:
            yield name.encode()
            yield held

    @classmethod
    def from_bytes(cls, data: bytes) -> Original:
        """Read it back; raise ``SealBroken`` for an unknown version or bytes that :meth:`to_bytes` does not write."""
        if data[:1] != VERSION:
            raise SealBroken("original version")
        parts = list(_read_parts(data))
        names, held = parts[KEY_AND_VALUE::2], parts[KEY_AND_VALUE + 1 :: 2]
        if len(parts) < KEY_AND_VALUE or len(names) != len(held):
            raise SealBroken("original bytes")
        try:
            headers = {name.decode(): value for name, value in zip(names, held, strict=True) if name is not None}
        except UnicodeDecodeError:
            raise SealBroken("original bytes") from None
        read = cls(parts[0], parts[1], tuple(sorted(headers.items())))
        if read.to_bytes() != data:
            raise SealBroken("original bytes")
        return read


def first_offset(record: Inbound) -> int:
    """Where a record stood first on its topic partition: for one that was replayed, before it was dead-lettered.

    What an erasure forbids is told by this, so that a replay does not bring back what came before it. The header is believed only where
    it says "earlier": whoever forges one has their own record refused.
    """
    return earliest(record.headers, record.offset)


def earliest(headers: Mapping[str, bytes | None], offset: int) -> int:
    """The header's offset or the given one, whichever is less; 0 where the header is of another form."""
    if FIRST_OFFSET_HEADER not in headers:
        return offset
    said = headers[FIRST_OFFSET_HEADER]
    return min(int(said), offset) if said is not None and _OFFSET.fullmatch(said) else 0


def letter_aad(topic: str, partition: int, offset: int) -> bytes:
    """Binds a dead letter to the place where its original stood."""
    return f"{topic}\x1f{partition}\x1f{offset}".encode()


def _part(data: bytes | None) -> bytes:
    return (-1).to_bytes(LENGTH_BYTES, signed=True) if data is None else len(data).to_bytes(LENGTH_BYTES, signed=True) + data


def _read_parts(data: bytes) -> Iterator[bytes | None]:
    at = len(VERSION)
    while at < len(data):
        length = int.from_bytes(data[at : at + LENGTH_BYTES], signed=True)
        at += LENGTH_BYTES
        if length < -1 or at + max(length, 0) > len(data):
            raise SealBroken("original bytes")
        yield None if length < 0 else data[at : at + length]
        at += max(length, 0)

"""What the tokens of one request stand for. It travels sealed with its request; there is no other table of values.

Persisted form, version 1: ``01``, then per entry, in the order of the tokens: type (1 byte: its place in ``ENTITIES``, the top bit set
where a variant follows) ‖ code (5 bytes, base32 decoded) ‖ variant (4 ASCII characters, or nothing) ‖ length (LEB128) ‖ value (UTF-8).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from streamgate.errors import SealBroken
from streamgate.vault._entities import ENTITIES
from streamgate.vault._secret import Handle
from streamgate.vault._token import CODE_BYTES, VARIANT_LENGTH, Token, base32

VERSION: Final = 1
HAS_VARIANT: Final = 0x80
MORE: Final = 0x80
LOW_BITS: Final = 0x7F
MAX_LENGTH_BITS: Final = 35


@dataclass(frozen=True, slots=True, repr=False, eq=True)
class TokenMap(Handle):
    """Tokens and the exact text each stands for."""

    entries: Mapping[Token, str]

    @classmethod
    def of(cls, entries: Mapping[Token, str]) -> TokenMap:
        """A copy that nobody else can change."""
        return cls(MappingProxyType(dict(entries)))

    def to_bytes(self) -> bytes:
        """The persisted form; equal maps give equal bytes."""
        return bytes([VERSION]) + b"".join(_entry(token, self.entries[token]) for token in sorted(self.entries))

    @classmethod
    def from_bytes(cls, data: bytes) -> TokenMap:
        """Read it back; raise ``SealBroken`` for anything that :meth:`to_bytes` does not write."""
        if data[:1] != bytes([VERSION]):
            raise SealBroken("token map version")
        entries: dict[Token, str] = {}
        place = 1
        try:
            while place < len(data):
                token, value, place = _read(data, place)
                entries[token] = value
        except (IndexError, UnicodeDecodeError):
            raise SealBroken("token map") from None
        found = cls.of(entries)
        if found.to_bytes() != data:
            raise SealBroken("token map form")
        return found

    def __len__(self) -> int:
        """How many tokens."""
        return len(self.entries)

    def __repr__(self) -> str:
        """Show the size only."""
        return f"TokenMap({len(self.entries)} tokens)"


def _entry(token: Token, value: str) -> bytes:
    kind = ENTITIES.index(token.entity) | (HAS_VARIANT if token.variant else 0)
    encoded = value.encode("utf-8", "surrogatepass")
    return bytes([kind]) + base64.b32decode(token.code.upper()) + token.variant.encode() + _length(len(encoded)) + encoded


def _read(data: bytes, place: int) -> tuple[Token, str, int]:
    """One entry and the place after it; ``IndexError`` where the bytes end too early."""
    kind = data[place]
    entity = ENTITIES[kind & ~HAS_VARIANT]
    code, place = _take(data, place + 1, CODE_BYTES)
    variant, place = _take(data, place, VARIANT_LENGTH if kind & HAS_VARIANT else 0)
    length, place = _read_length(data, place)
    encoded, place = _take(data, place, length)
    return Token(entity, base32(code, len(code) * 8 // 5), variant.decode("ascii")), encoded.decode("utf-8", "surrogatepass"), place


def _take(data: bytes, place: int, size: int) -> tuple[bytes, int]:
    if place + size > len(data):
        raise IndexError
    return data[place : place + size], place + size


def _length(value: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while value > LOW_BITS:
        out.append(value & LOW_BITS | MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_length(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & LOW_BITS) << shift
        if not byte & MORE:
            return value, place
        shift += 7
        if shift >= MAX_LENGTH_BITS:
            raise IndexError

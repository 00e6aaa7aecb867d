"""Several byte strings as one, so that no two different sequences give the same bytes."""

from __future__ import annotations

from typing import Final

LENGTH_BYTES: Final = 4


def fields(*parts: bytes) -> bytes:
    """Each part after its length (4 bytes, big-endian)."""
    return b"".join(len(part).to_bytes(LENGTH_BYTES, "big") + part for part in parts)


def number(value: int) -> bytes:
    """A count or an epoch as a field: 8 bytes, big-endian."""
    return value.to_bytes(8, "big")

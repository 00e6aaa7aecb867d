"""One link of a chain: what its hash covers, where the chain stands, and who signs. The grammar is in DESIGN.md."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, Self

HASH_BYTES: Final = 32
GENESIS: Final = bytes(HASH_BYTES)
"""What the first entry names as the one before."""

_DOMAIN: Final = b"streamgate.audit.entry.v1\x00"
_HEAD: Final = struct.Struct(">BQQ32s")
_HEAD_VERSION: Final = 1

VerifySignature = Callable[[bytes, bytes], bool]
"""Given signature and message, whether the one was made over the other."""


class Signer(Protocol):
    """Holds a private key and signs with it; the key itself cannot be read."""

    @property
    def key_id(self) -> str:
        """First 16 hexadecimal digits of SHA-256 over the raw public key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Ed25519 (RFC 8032) over ``message``: the same message always gives the same signature."""
        ...


def entry_hash(sequence: int, source_offset: int, previous: bytes, event: bytes) -> bytes:
    """SHA-256 over the domain, both numbers, and both byte strings behind their lengths: no two entries share their input."""
    parts = (
        _DOMAIN,
        struct.pack(">QQ", sequence, source_offset),
        struct.pack(">I", len(previous)),
        previous,
        struct.pack(">I", len(event)),
        event,
    )
    return hashlib.sha256(b"".join(parts)).digest()


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last entry of a chain. Its hash commits to all entries before it."""

    sequence: int
    source_offset: int
    hash: bytes

    def to_bytes(self) -> bytes:
        """For the row that carries the head in the notary's state."""
        return _HEAD.pack(_HEAD_VERSION, self.sequence, self.source_offset, self.hash)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read :meth:`to_bytes`; ``ValueError`` for another version or size."""
        if len(data) != _HEAD.size or data[0] != _HEAD_VERSION:
            raise ValueError("chain head: unknown version or size")
        _, sequence, source_offset, digest = _HEAD.unpack(data)
        return cls(sequence, source_offset, digest)

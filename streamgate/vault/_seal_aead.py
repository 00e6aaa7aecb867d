"""Authenticated encryption with AES-256-GCM-SIV (RFC 8452): a repeated nonce shows only that two equal messages are equal.

Every failure to open is ``SealBroken`` and tells nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from streamgate.effects import Entropy
from streamgate.errors import SealBroken
from streamgate.vault._fields import fields, number
from streamgate.vault._secret import SecretKey, reveal_secret_key

VERSION: Final = b"\x01"
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
KEY_ID_BYTES: Final = 8
HEADER_BYTES: Final = len(VERSION) + KEY_ID_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Aad:
    """What a sealed value is bound to: opened anywhere else, it does not open."""

    purpose: str
    tenant: str
    subject_digest: bytes
    incarnation: int
    kind: str
    row: bytes

    def to_bytes(self) -> bytes:
        """Unambiguous: each part after its length."""
        parts = (self.purpose.encode(), self.tenant.encode(), self.subject_digest, number(self.incarnation), self.kind.encode(), self.row)
        return fields(b"aad", VERSION, *parts)


def encrypt(key: SecretKey, entropy: Entropy, plain: bytes, aad: bytes) -> bytes:
    """``nonce ‖ ciphertext ‖ tag``."""
    nonce = entropy.token_bytes(NONCE_BYTES)
    return nonce + AESGCMSIV(reveal_secret_key(key)).encrypt(nonce, plain, aad)


def decrypt(key: SecretKey, blob: bytes, aad: bytes) -> bytes:
    """Open what :func:`encrypt` made; raise ``SealBroken``."""
    if len(blob) < NONCE_BYTES + TAG_BYTES:
        raise SealBroken("length")
    try:
        return AESGCMSIV(reveal_secret_key(key)).decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], aad)
    except InvalidTag:
        raise SealBroken("tag") from None


def seal(key: SecretKey, key_id: bytes, entropy: Entropy, plain: bytes, aad: Aad) -> bytes:
    """``version ‖ key id ‖ nonce ‖ ciphertext ‖ tag``; the header is authenticated too."""
    header = VERSION + key_id
    return header + encrypt(key, entropy, plain, fields(header, aad.to_bytes()))


def open_sealed(key: SecretKey, key_id: bytes, blob: bytes, aad: Aad) -> bytes:
    """Open what :func:`seal` made; raise ``SealBroken``."""
    if sealed_key_id(blob) != key_id:
        raise SealBroken("key id")
    return decrypt(key, blob[HEADER_BYTES:], fields(blob[:HEADER_BYTES], aad.to_bytes()))


def sealed_key_id(blob: bytes) -> bytes:
    """Which key a sealed value names; raise ``SealBroken`` for an unknown version."""
    if blob[:1] != VERSION:
        raise SealBroken("version")
    if len(blob) < HEADER_BYTES + NONCE_BYTES + TAG_BYTES:
        raise SealBroken("length")
    return blob[len(VERSION) : HEADER_BYTES]

"""Replies to an operator: sealed to a key that was made for one question and is forgotten with its answer.

HPKE in base mode (RFC 9180), the suite of dead letters. Grammar: ``version ‖ encapsulated key (32) ‖ ciphertext ‖ tag``; HPKE's ``info``
binds the version and the caller's AAD. What it is not: proof of who replied, or of who asked.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from streamgate.effects import Entropy
from streamgate.errors import SealBroken
from streamgate.vault._fields import fields
from streamgate.vault._seal_dead_letter import ENCAPSULATED_BYTES, SUITE, TAG_BYTES
from streamgate.vault._secret import KEY_BYTES, Handle, SecretKey, reveal_secret_key

VERSION: Final = b"\x01"
LABEL: Final = b"streamgate/v1/reply"


def seal_reply(public_key: bytes, plain: bytes, aad: bytes) -> bytes:
    """Seal for whoever asked; raise ``SealBroken`` for bytes that are no usable public key."""
    try:
        return VERSION + SUITE.encrypt(plain, X25519PublicKey.from_public_bytes(public_key), info=fields(LABEL, VERSION, aad))
    except ValueError:  # not 32 bytes, or a point that gives everybody the same secret (RFC 7748 §6.1)
        raise SealBroken("reply key") from None


class ReplyKey(Handle):
    """The private half, on the side that asks."""

    __slots__ = ("_private",)

    def __init__(self, entropy: Entropy) -> None:
        """A new key."""
        self._private = SecretKey(entropy.token_bytes(KEY_BYTES))

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of RFC 7748 that travel with the question."""
        return self._key().public_key().public_bytes_raw()

    def open(self, blob: bytes, aad: bytes) -> bytes:
        """Open what :func:`seal_reply` made; raise ``SealBroken``."""
        if blob[:1] != VERSION or len(blob) < len(VERSION) + ENCAPSULATED_BYTES + TAG_BYTES:
            raise SealBroken("reply version or length")
        try:
            return SUITE.decrypt(blob[len(VERSION) :], self._key(), info=fields(LABEL, VERSION, aad))
        except (InvalidTag, ValueError):
            raise SealBroken("reply tag") from None

    def _key(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(reveal_secret_key(self._private))

    def __repr__(self) -> str:
        """Show nothing."""
        return "ReplyKey(…)"

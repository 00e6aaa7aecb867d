"""Dead letters: every role can seal one, only vault can open it.

HPKE in base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM: each letter has an ephemeral key of its own,
so no nonce is ever used twice under one key. Grammar: ``version ‖ epoch (4, big-endian) ‖ encapsulated key (32) ‖ ciphertext ‖ tag``.
HPKE's ``info`` binds version, epoch and the caller's AAD. What it is not: proof of who sealed a letter.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from streamgate.errors import ConfigError, SealBroken
from streamgate.vault._fields import fields
from streamgate.vault._secret import Handle, SecretKey, reveal_secret_key

VERSION: Final = b"\x01"
EPOCH_BYTES: Final = 4
HEADER_BYTES: Final = len(VERSION) + EPOCH_BYTES
ENCAPSULATED_BYTES: Final = 32
TAG_BYTES: Final = 16
LABEL: Final = b"streamgate/v1/dead-letter"
SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
TEXT_FORM: Final = re.compile(r"x25519:(?P<epoch>[0-9]{1,9}):(?P<key>[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)", re.ASCII)


class DeadLetterSealer:
    """Holds a public key and its epoch; opens nothing."""

    __slots__ = ("_public", "epoch")

    def __init__(self, epoch: int, public_key: bytes) -> None:
        """``public_key`` is the 32 bytes of RFC 7748."""
        self.epoch = epoch
        self._public = X25519PublicKey.from_public_bytes(public_key)

    @classmethod
    def from_text(cls, text: str) -> DeadLetterSealer:
        """Read the form that settings carry, ``x25519:<epoch>:<base64>``; raise ``ConfigError``."""
        found = TEXT_FORM.fullmatch(text.strip())
        if found is None:
            raise ConfigError(("dead-letter public key: not of the form x25519:<epoch>:<base64>; print it from the vault's key file",))
        return cls(int(found["epoch"]), base64.b64decode(found["key"]))

    def to_text(self) -> str:
        """The form that settings carry; public."""
        return f"x25519:{self.epoch}:{base64.b64encode(self._public.public_bytes_raw()).decode()}"

    def seal(self, plain: bytes, aad: bytes) -> bytes:
        """Seal for vault; opens with the same AAD only."""
        header = VERSION + self.epoch.to_bytes(EPOCH_BYTES, "big")
        return header + SUITE.encrypt(plain, self._public, info=fields(LABEL, header, aad))

    def __repr__(self) -> str:
        """Show the epoch."""
        return f"DeadLetterSealer(epoch {self.epoch})"


class DeadLetterOpener(Handle):
    """Vault's side: a private key per epoch that still exists."""

    __slots__ = ("_private",)

    def __init__(self, private_keys: Mapping[int, SecretKey]) -> None:
        """Each key is 32 bytes for X25519, by epoch."""
        self._private = dict(private_keys)

    def sealer(self, epoch: int) -> DeadLetterSealer:
        """The public side of one epoch; raise ``SealBroken`` where that epoch does not exist."""
        return DeadLetterSealer(epoch, self._key(epoch).public_key().public_bytes_raw())

    def open(self, blob: bytes, aad: bytes) -> bytes:
        """Open what :meth:`DeadLetterSealer.seal` made; raise ``SealBroken``."""
        if blob[:1] != VERSION:
            raise SealBroken("dead letter version")
        if len(blob) < HEADER_BYTES + ENCAPSULATED_BYTES + TAG_BYTES:
            raise SealBroken("dead letter length")
        header, rest = blob[:HEADER_BYTES], blob[HEADER_BYTES:]
        key = self._key(int.from_bytes(header[len(VERSION) :], "big"))
        try:
            return SUITE.decrypt(rest, key, info=fields(LABEL, header, aad))
        except (InvalidTag, ValueError):
            raise SealBroken("dead letter tag") from None

    def _key(self, epoch: int) -> X25519PrivateKey:
        secret = self._private.get(epoch)
        if secret is None:
            raise SealBroken("dead letter epoch")
        return X25519PrivateKey.from_private_bytes(reveal_secret_key(secret))

    def __repr__(self) -> str:
        """Show how many epochs there are."""
        return f"DeadLetterOpener({len(self._private)} epochs)"

"""Rows of vault's state: their keys are keyed digests, their values are sealed under the row they stand in.

The keys come from the KMS's root, so that destroying a KEK epoch does not change a digest. What it is not: a subject's own key.
Rows hold no bodies, and what must become unreadable with a subject is sealed under that subject's key.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from streamgate.errors import SealBroken
from streamgate.vault._fields import fields
from streamgate.vault._kms import Kms
from streamgate.vault._seal_aead import VERSION, decrypt, encrypt
from streamgate.vault._secret import Handle, SecretKey, reveal_secret_key

DIGEST_BYTES: Final = 16


class StateSealer(Handle):
    """Makes digests for row keys and seals row values."""

    __slots__ = ("_digest_key", "_kms", "_row_key")

    def __init__(self, kms: Kms) -> None:
        """Derive both keys."""
        self._kms = kms
        self._digest_key = SecretKey(kms.derive(b"streamgate/v1/state/digest"))
        self._row_key = SecretKey(kms.derive(b"streamgate/v1/state/row"))

    def digest(self, label: bytes, *parts: bytes) -> bytes:
        """16 bytes of HMAC-SHA256 over the label and the parts, each after its length."""
        return hmac.digest(reveal_secret_key(self._digest_key), fields(label, *parts), hashlib.sha256)[:DIGEST_BYTES]

    def seal_row(self, row_key: bytes, value: bytes) -> bytes:
        """``version ‖ nonce ‖ ciphertext ‖ tag``; opens under the same row key only."""
        return VERSION + encrypt(self._row_key, self._kms, value, fields(b"row", VERSION, row_key))

    def open_row(self, row_key: bytes, blob: bytes) -> bytes:
        """Open what :meth:`seal_row` made; raise ``SealBroken``."""
        if blob[:1] != VERSION:
            raise SealBroken("row version")
        return decrypt(self._row_key, blob[1:], fields(b"row", VERSION, row_key))

    def __repr__(self) -> str:
        """Show nothing."""
        return "StateSealer(…)"

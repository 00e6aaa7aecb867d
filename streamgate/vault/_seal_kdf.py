"""Key derivation: HKDF-SHA256 (RFC 5869), one label per use. A label is never given a second meaning."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from streamgate.vault._fields import fields
from streamgate.vault._secret import KEY_BYTES, SecretKey, reveal_secret_key

DOMAIN: Final = b"streamgate/v1"


def derive_key(parent: SecretKey, *label: bytes) -> SecretKey:
    """A key for one use; different labels give independent keys, and none leads back to its parent."""
    hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=fields(DOMAIN, *label))
    return SecretKey(hkdf.derive(reveal_secret_key(parent)))

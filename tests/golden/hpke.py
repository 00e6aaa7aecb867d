"""HPKE in base mode by hand, from RFC 9180 §4 and §5: a second implementation for the golden vectors, with a chosen ephemeral key.

DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Only the curve and the cipher are borrowed.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEM_SUITE = b"KEM" + bytes.fromhex("0020")
SUITE = b"HPKE" + bytes.fromhex("002000010002")


def hkdf_extract(salt: bytes, material: bytes) -> bytes:
    """RFC 5869 §2.2 with SHA-256."""
    return hmac.digest(salt or bytes(32), material, "sha256")


def hkdf_expand(key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 §2.3 with SHA-256."""
    out = block = b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hkdf_extract(salt, b"HPKE-v1" + suite + label + material)


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return hkdf_expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def seal(recipient: bytes, ephemeral: bytes, info: bytes, plain: bytes) -> bytes:
    """``encapsulated key ‖ ciphertext ‖ tag`` with an empty AAD."""
    private = X25519PrivateKey.from_private_bytes(ephemeral)
    encapsulated = private.public_key().public_bytes_raw()
    shared_point = private.exchange(X25519PublicKey.from_public_bytes(recipient))
    prk = _extract(KEM_SUITE, b"", b"eae_prk", shared_point)
    shared = _expand(KEM_SUITE, prk, b"shared_secret", encapsulated + recipient, 32)
    context = b"\x00" + _extract(SUITE, b"", b"psk_id_hash", b"") + _extract(SUITE, b"", b"info_hash", info)
    secret = _extract(SUITE, shared, b"secret", b"")
    key = _expand(SUITE, secret, b"key", context, 32)
    nonce = _expand(SUITE, secret, b"base_nonce", context, 12)
    return encapsulated + AESGCM(key).encrypt(nonce, plain, b"")

"""The notary's Ed25519 key (RFC 8032) in a PEM file, and the verifying side for whoever has the public keys only.

The private key cannot be read back from the object; only the notary holds the file. What it is not: a KMS client.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from streamgate.audit import VerifySignature
from streamgate.errors import ConfigError

FILE_MODE: Final = 0o600
KEY_ID_DIGITS: Final = 16


class SigningKey:
    """Implements ``streamgate.audit.Signer`` over a key file that only its owner may read."""

    __slots__ = ("_key", "key_id")

    def __init__(self, path: Path) -> None:
        """Read the file; ``ConfigError`` where it is missing, readable by others, or no unencrypted Ed25519 key in PEM (PKCS#8)."""
        self._key = _private_key(path)
        self.key_id = key_id(self._key.public_key())

    @classmethod
    def create(cls, path: Path) -> SigningKey:
        """Make a new key file with mode 0600; an existing file is never overwritten."""
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        except FileExistsError:
            raise ConfigError((f"{path}: exists already; move the old signing key away first, and keep its public key",)) from None
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, FILE_MODE)
            file.write(pem)
            file.flush()
            os.fsync(descriptor)
        return cls(path)

    def sign(self, message: bytes) -> bytes:
        """64 bytes of Ed25519 signature."""
        return self._key.sign(message)

    def public_pem(self) -> bytes:
        """What a verifier needs, as SubjectPublicKeyInfo in PEM."""
        return self._key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def __repr__(self) -> str:
        """Show the key's id only."""
        return f"SigningKey({self.key_id})"


def key_id(public_key: Ed25519PublicKey) -> str:
    """First 16 hexadecimal digits of SHA-256 over the 32 raw bytes of the public key."""
    return hashlib.sha256(public_key.public_bytes_raw()).hexdigest()[:KEY_ID_DIGITS]


def verifying_keys(public_pems: Iterable[bytes]) -> dict[str, VerifySignature]:
    """Key ids and verifying functions for ``streamgate.audit.Verifier``; ``ConfigError`` for a PEM that is no Ed25519 public key."""
    keys: dict[str, VerifySignature] = {}
    for pem in public_pems:
        identifier, verify = _verifying_key(pem)
        keys[identifier] = verify
    return keys


def _verifying_key(public_pem: bytes) -> tuple[str, VerifySignature]:
    """One public key."""
    try:
        public_key = serialization.load_pem_public_key(public_pem)
    except ValueError:
        raise ConfigError(("audit public key: not a public key in PEM; write the file with `streamgate init`",)) from None
    if not isinstance(public_key, Ed25519PublicKey):
        raise ConfigError(("audit public key: not an Ed25519 key; write the file with `streamgate init`",))

    def verify(signature: bytes, message: bytes) -> bool:
        try:
            public_key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return key_id(public_key), verify


def _private_key(path: Path) -> Ed25519PrivateKey:
    """Read the private key from a file that nobody else may read; the mode is that of the file that was opened."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise ConfigError((f"{path}: readable by others (mode {mode:04o}); set it to 0600",))
            pem = file.read()
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read ({type(error).__name__}); make it with `streamgate init`",)) from None
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise ConfigError((f"{path}: not an unencrypted private key in PEM",)) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError((f"{path}: not an Ed25519 key",))
    return key

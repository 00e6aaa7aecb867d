"""A signer without a file: Ed25519 from a seed, so that signatures are the same in every run."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from streamgate.audit import VerifySignature


class FakeSigner:
    """Implements ``streamgate.audit.Signer``; different seeds are different keys."""

    def __init__(self, seed: int = 0) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes((seed + place) % 256 for place in range(32)))
        self.key_id = hashlib.sha256(self._key.public_key().public_bytes_raw()).hexdigest()[:16]

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def public_keys(self) -> dict[str, VerifySignature]:
        """What a verifier is given."""
        public = self._key.public_key()

        def verify(signature: bytes, message: bytes) -> bool:
            try:
                public.verify(signature, message)
            except InvalidSignature:
                return False
            return True

        return {self.key_id: verify}

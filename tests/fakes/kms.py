"""A KMS in memory: the port's behaviour without a file or a cipher library of our own choosing."""

from __future__ import annotations

import hashlib
import hmac

from streamgate.effects import Entropy
from streamgate.errors import SealBroken
from tests.fakes.effects import SeededEntropy

TAG = 32


class FakeKms:
    """Implements ``streamgate.vault.Kms`` with an HMAC-based stream; deterministic, and no protection of anything."""

    def __init__(self, seed: int | str = 0, entropy: Entropy | None = None) -> None:
        self._entropy = entropy or SeededEntropy(f"kms {seed}")
        self._root = hashlib.sha256(f"root {seed}".encode()).digest()
        self._keks = {1: hashlib.sha256(f"kek {seed} 1".encode()).digest()}
        self._seed = seed

    @property
    def epoch(self) -> int:
        return max(self._keks)

    def rotate(self) -> None:
        """The next epoch."""
        self._keks[self.epoch + 1] = hashlib.sha256(f"kek {self._seed} {self.epoch + 1}".encode()).digest()

    def destroy_epoch(self, epoch: int) -> None:
        """What was wrapped under it is lost."""
        del self._keks[epoch]

    def token_bytes(self, size: int) -> bytes:
        return self._entropy.token_bytes(size)

    def wrap(self, plain: bytes, aad: bytes) -> bytes:
        header = bytes([1, self.epoch])
        body = _xor(self._keks[self.epoch], plain)
        return header + body + hmac.digest(self._keks[self.epoch], header + body + aad, "sha256")

    def unwrap(self, blob: bytes, aad: bytes) -> bytes:
        header, body, tag = blob[:2], blob[2:-TAG], blob[-TAG:]
        kek = self._keks.get(blob[1]) if len(blob) > TAG + 1 and blob[0] == 1 else None
        if kek is None or not hmac.compare_digest(tag, hmac.digest(kek, header + body + aad, "sha256")):
            raise SealBroken("fake kms")
        return _xor(kek, body)

    def derive(self, label: bytes) -> bytes:
        return hmac.digest(self._root, label, "sha256")


def _xor(kek: bytes, data: bytes) -> bytes:
    stream = hashlib.shake_256(b"stream" + kek).digest(len(data))
    return bytes(left ^ right for left, right in zip(data, stream, strict=True))

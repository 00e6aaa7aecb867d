"""The port of whatever holds the key-encryption keys (KEK).

One real implementation (``streamgate.adapters.key_file``), one fake (``tests.fakes.kms``), one contract suite
(``tests/contract/test_kms.py``). A KMS in the network would sit behind the same port, with its own cache and deadline.
"""

from __future__ import annotations

from typing import Protocol

from streamgate.effects import Entropy


class Kms(Entropy, Protocol):
    """Wraps data keys under a KEK of an epoch, derives keys that outlive every epoch, and draws nonces (as KMS services do)."""

    @property
    def epoch(self) -> int:
        """The epoch that new keys are wrapped under."""
        ...

    def wrap(self, plain: bytes, aad: bytes) -> bytes:
        """Encrypt a data key under the current KEK; the blob names its epoch."""
        ...

    def unwrap(self, blob: bytes, aad: bytes) -> bytes:
        """The data key; raise ``SealBroken`` for another AAD, altered bytes or an epoch that was destroyed."""
        ...

    def derive(self, label: bytes) -> bytes:
        """32 bytes that depend on the label and on a root that no epoch changes: destroying a KEK leaves them as they are."""
        ...

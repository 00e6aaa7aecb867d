"""How up to date a vault worker's knowledge of consents and subject requests is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Freshness(Protocol):
    """Knows up to which time consents and subject-requests of a partition have been read to their end and decided."""

    def read_until_ms(self, partition: int) -> int:
        """Everything published before this time (ms, wall clock) on the partition is decided; 0 where nothing is known yet."""
        ...

    async def wait(self, partition: int, not_before_ms: int, timeout_seconds: float) -> bool:
        """Wait until :meth:`read_until_ms` reaches ``not_before_ms``; ``False`` when the time ran out first."""
        ...

    def consents_offset(self, partition: int) -> int:
        """Offset after the last record of the consents topic that was decided."""
        ...

    async def input_ends(self, partition: int) -> Mapping[str, int]:
        """End offsets of the vault's input topics on this partition, asked from the broker now; keys are logical names.

        Raises ``Unavailable`` where the broker does not say.
        """
        ...

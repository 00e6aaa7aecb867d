"""The committed state, for stages that look at it while they prepare. A decision must look again: see ``StateView``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class KnownRows(Protocol):
    """Rows that Kafka has."""

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The row's value; ``None`` where there is none or the partition is not ours."""
        ...

    def scan(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows whose key starts with ``prefix``, in key order."""
        ...


@dataclass(frozen=True, slots=True)
class Committed:
    """One partition of them; implements ``StateView``."""

    rows: KnownRows
    partition: int

    def get(self, key: bytes) -> bytes | None:
        """See ``StateView``."""
        return self.rows.get(self.partition, key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """See ``StateView``."""
        return self.rows.scan(self.partition, prefix)

"""A call leaves a trace before its first byte goes out."""

from __future__ import annotations

from typing import Protocol


class Trail(Protocol):
    """Publishes on audit-events outside a decision."""

    async def publish(self, partition: int, key: bytes | None, value: bytes) -> None:
        """Return once Kafka has acknowledged the record; raise ``Unavailable`` when it cannot be had in time."""
        ...

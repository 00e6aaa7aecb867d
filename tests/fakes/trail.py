"""A trail that keeps what it is given, or is down."""

from __future__ import annotations

from streamgate.errors import Code, Unavailable


class FakeTrail:
    """Implements ``streamgate.pipeline.ports.trail.Trail``."""

    def __init__(self) -> None:
        self.records: list[tuple[int, bytes | None, bytes]] = []
        self.down = False

    async def publish(self, partition: int, key: bytes | None, value: bytes) -> None:
        if self.down:
            raise Unavailable(Code.INTERNAL_ERROR, "audit-events")
        self.records.append((partition, key, value))

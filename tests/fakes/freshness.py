"""Freshness that is set by hand."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fakes.effects import FakeClock


class FakeFreshness:
    """Implements ``streamgate.pipeline.ports.freshness.Freshness``; waiting takes the time of the clock it is given."""

    def __init__(self, read_until_ms: int = 0, consents_offset: int = 0, clock: FakeClock | None = None) -> None:
        self.until_ms = read_until_ms
        self.offset = consents_offset
        self.clock = clock
        self.ends: dict[str, int] = {}
        self.waits: list[tuple[int, int, float]] = []

    def read_until_ms(self, partition: int) -> int:
        return self.until_ms

    async def wait(self, partition: int, not_before_ms: int, timeout_seconds: float) -> bool:
        self.waits.append((partition, not_before_ms, timeout_seconds))
        if self.until_ms < not_before_ms and self.clock is not None:
            self.clock.advance(timeout_seconds)
        return self.until_ms >= not_before_ms

    def consents_offset(self, partition: int) -> int:
        return self.offset

    async def input_ends(self, partition: int) -> Mapping[str, int]:
        return dict(self.ends)

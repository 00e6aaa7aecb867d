"""Freshness that is set by hand."""

from __future__ import annotations

from collections.abc import Mapping


class FakeFreshness:
    """Implements ``streamgate.pipeline.ports.freshness.Freshness``; waiting takes no time."""

    def __init__(self, read_until_ms: int = 0, consents_offset: int = 0) -> None:
        self.until_ms = read_until_ms
        self.offset = consents_offset
        self.ends: dict[str, int] = {}
        self.waits: list[tuple[int, int, float]] = []

    def read_until_ms(self, partition: int) -> int:
        return self.until_ms

    async def wait(self, partition: int, not_before_ms: int, timeout_seconds: float) -> bool:
        self.waits.append((partition, not_before_ms, timeout_seconds))
        return self.until_ms >= not_before_ms

    def consents_offset(self, partition: int) -> int:
        return self.offset

    async def input_ends(self, partition: int) -> Mapping[str, int]:
        return dict(self.ends)

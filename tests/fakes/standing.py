"""Standing that is set by hand."""

from __future__ import annotations

from streamgate.pipeline.ports.standing import Watermark


class FakeStanding:
    """Implements ``streamgate.pipeline.ports.standing.StandingView``; nothing ever changes by itself."""

    def __init__(self) -> None:
        self.watermarks: dict[int, Watermark] = {}
        self.forbidden: dict[tuple[int, bytes, str | None], int] = {}
        self.waits: list[float] = []

    def watermark(self, partition: int) -> Watermark | None:
        return self.watermarks.get(partition)

    def forbid(self, partition: int, reference: bytes, purpose: str | None, consents_offset: int) -> None:
        self.forbidden[partition, reference, purpose] = consents_offset

    def forbidden_at(self, partition: int, reference: bytes, purpose: str) -> int | None:
        found = [self.forbidden.get((partition, reference, name)) for name in (purpose, None)]
        return max((offset for offset in found if offset is not None), default=None)

    async def changed(self, timeout_seconds: float) -> None:
        self.waits.append(timeout_seconds)

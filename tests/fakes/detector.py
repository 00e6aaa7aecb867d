"""A detector that finds what it is told to, or is down."""

from __future__ import annotations

from collections.abc import Sequence

from streamgate.detect import EntityType, Span
from streamgate.errors import Code, Unavailable


class FakeDetector:
    """Implements ``streamgate.detect.Detector``."""

    def __init__(self, **values: EntityType) -> None:
        self.values = values
        self.down_for = 0
        self.asked = 0

    @property
    def version(self) -> str:
        return "fake/1"

    async def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        self.asked += 1
        if self.down_for:
            self.down_for -= 1
            raise Unavailable(Code.DETECTOR_UNAVAILABLE)
        return [tuple(self._spans(text)) for text in texts]

    def _spans(self, text: str) -> list[Span]:
        places = [(text.find(value), value, kind) for value, kind in self.values.items()]
        return [Span(at, at + len(value), kind, 1.0, "fake") for at, value, kind in sorted(places) if at >= 0]

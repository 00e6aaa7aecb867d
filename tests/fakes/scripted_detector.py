"""A detector that finds what it was told wherever it stands, answers with a script, or is down."""

from __future__ import annotations

from collections.abc import Sequence

from streamgate.detect import EntityType, Span
from streamgate.errors import Code, Unavailable


class ScriptedDetector:
    """Implements ``streamgate.detect.Detector``."""

    def __init__(self, values: dict[str, EntityType]) -> None:
        self.values = dict(values)
        self.asked: list[list[str]] = []
        self.down = 0
        """How many calls from now on fail."""
        self.answers_with: list[tuple[Span, ...]] | None = None
        """When set, the answer to every call."""

    @property
    def version(self) -> str:
        return "fake-1"

    async def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        self.asked.append(list(texts))
        if self.down > 0:
            self.down -= 1
            raise Unavailable(Code.DETECTOR_UNAVAILABLE)
        return [self._spans(text) for text in texts] if self.answers_with is None else self.answers_with

    def _spans(self, text: str) -> tuple[Span, ...]:
        found: list[Span] = []
        for value, kind in self.values.items():
            at = text.find(value)
            while at >= 0:
                found.append(Span(at, at + len(value), kind, 1.0, "fake"))
                at = text.find(value, at + len(value))
        return tuple(sorted(found, key=lambda span: span.start))

"""The port behind which detection runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from streamgate.detect._types import Span


class Detector(Protocol):
    """Finds personal data. When it cannot, it says so; it never answers with less than it was asked."""

    @property
    def version(self) -> str:
        """Names patterns, recognisers and model; stands in requests and audit events."""
        ...

    async def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """Spans of each text, sorted and without overlap; raise ``Unavailable(DETECTOR_UNAVAILABLE)``."""
        ...

"""Hands each fact to several exporters."""

from __future__ import annotations

from streamgate.telemetry._facts import Fact, Telemetry


class Combined:
    """A ``Telemetry`` made of others, in their order."""

    def __init__(self, *parts: Telemetry) -> None:
        """The parts keep the port's promise, not to raise and not to block, each for itself."""
        self._parts = parts

    def emit(self, fact: Fact) -> None:
        """Give the fact to every part."""
        for part in self._parts:
            part.emit(fact)

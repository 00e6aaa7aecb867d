"""The fact that a model was left for another."""

from __future__ import annotations

from dataclasses import dataclass

from streamgate.telemetry._facts import Fact


@dataclass(frozen=True, slots=True)
class FellBack(Fact):
    """A model was left for the next one that the policy names, or skipped."""

    model: str
    reason: str
    """From the closed set of ``streamgate.provider``."""

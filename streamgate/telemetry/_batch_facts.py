"""What happens with batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streamgate.errors import Code
from streamgate.telemetry._facts import Fact


@dataclass(frozen=True, slots=True)
class BatchAnswered(Fact):
    """A request of a batch ended."""

    model: str
    code: Code


@dataclass(frozen=True, slots=True)
class BatchLineDropped(Fact):
    """A line of a batch's result is nobody's, a second one of the same request, or cannot be read."""


@dataclass(frozen=True, slots=True)
class BatchStepFailed(Fact):
    """Something that the provider was asked about a batch failed; it is tried again."""

    reason: str
    """From the closed set of ``streamgate.provider``."""


@dataclass(frozen=True, slots=True)
class BatchesHeld(Fact):
    """What this worker's partitions hold of batches now."""

    states: Mapping[str, int]
    """Batches by state, every state named."""
    requests: int
    """That wait for a batch or are in one."""
    files: int
    """That the provider holds as far as is known."""

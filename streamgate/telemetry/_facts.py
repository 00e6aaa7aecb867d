"""Every thing that happens, declared once: a frozen value from which its log line and its metrics are made.

No field may hold data of a record: only codes, names from the policy or the schemas, counts and durations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from streamgate.errors import Code, Status


@dataclass(frozen=True, slots=True)
class Fact:
    """Root of all facts."""


@dataclass(frozen=True, slots=True)
class PromptAccepted(Fact):
    """Vault masked a prompt and passed it on."""

    purpose: str
    entities: Mapping[str, int]
    dropped_fields: int
    age_seconds: float
    """From ``created_at`` of the prompt to the decision."""


@dataclass(frozen=True, slots=True)
class PromptMoved(Fact):
    """A prompt of the interactive lane goes on in the bulk lane: its tenant has many requests out."""


@dataclass(frozen=True, slots=True)
class PromptFinished(Fact):
    """A terminal response was published."""

    status: Status
    code: Code
    seconds: float
    """From the prompt's arrival to its response."""


@dataclass(frozen=True, slots=True)
class DetectionTimed(Fact):
    """The detector looked at one prompt."""

    seconds: float
    characters: int


@dataclass(frozen=True, slots=True)
class LatencyAdded(Fact):
    """What one step took of a prompt's time, waiting for consents, budget and the model call not included."""

    step: str
    """``redact``, ``complete`` or ``restore``."""
    seconds: float


@dataclass(frozen=True, slots=True)
class TokensRestored(Fact):
    """An answer was restored."""

    restored: int
    recovered: int
    """Of these, bent by the model and recovered."""
    unresolved: int


@dataclass(frozen=True, slots=True)
class CopySeen(Fact):
    """A second copy of a known prompt, or of a request already answered."""

    topic: str


@dataclass(frozen=True, slots=True)
class LateCompletion(Fact):
    """A completion for a prompt that had ended; dropped."""


@dataclass(frozen=True, slots=True)
class DeadLettered(Fact):
    """A record went to dead-letters."""

    topic: str
    code: Code


@dataclass(frozen=True, slots=True)
class CallFinished(Fact):
    """One call of the provider ended, with the code it was classified as."""

    model: str
    code: Code
    seconds: float


@dataclass(frozen=True, slots=True)
class CallRepeated(Fact):
    """A request was called again whose call had begun before a crash or a rebalance: it may have been paid twice."""

    model: str


@dataclass(frozen=True, slots=True)
class CallRetried(Fact):
    """A call is about to be made again."""

    model: str
    reason: str
    """From the closed set of ``streamgate.provider``."""


@dataclass(frozen=True, slots=True)
class FellBack(Fact):
    """A model was left for the next one that the policy names, or skipped."""

    model: str
    reason: str
    """From the closed set of ``streamgate.provider``."""


@dataclass(frozen=True, slots=True)
class TokensUsed(Fact):
    """What the provider counted."""

    model: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class ShareHeld(Fact):
    """What this replica may use of a limit that all of them share."""

    model: str
    requests: int
    tokens: int


@dataclass(frozen=True, slots=True)
class WorkersShare(Fact):
    """So many workers share the limits, as far as this one knows."""

    workers: int


@dataclass(frozen=True, slots=True)
class BudgetLeft(Fact):
    """What remains of the current minute, over all replicas."""

    model: str
    requests: float
    tokens: float


@dataclass(frozen=True, slots=True)
class ConsentChanged(Fact):
    """A grant or a withdrawal took effect."""

    decision: str


@dataclass(frozen=True, slots=True)
class SubjectRightExercised(Fact):
    """An erasure or an export was carried out."""

    kind: str


@dataclass(frozen=True, slots=True)
class KeyCacheUsed(Fact):
    """An opened subject key was found in the cache, or not."""

    hit: bool


@dataclass(frozen=True, slots=True)
class AuditChained(Fact):
    """One event was chained and signed."""

    fact: str


@dataclass(frozen=True, slots=True)
class RecordRead(Fact):
    """A record was taken up by the runtime."""

    topic: str
    age_seconds: float
    """From the record's Kafka timestamp."""


@dataclass(frozen=True, slots=True)
class Committed(Fact):
    """The committed offset of a partition moved."""

    topic: str
    lag_records: int
    """Over all partitions this worker owns."""
    seconds_since_last: float


@dataclass(frozen=True, slots=True)
class StageFailed(Fact):
    """A stage raised; the record is dead-lettered. ``error`` is the exception's type name and nothing else."""

    topic: str
    error: str
    where: str
    """``module:line`` of the innermost frame of ours."""


@dataclass(frozen=True, slots=True)
class PartUnavailable(Fact):
    """A part that records need is down, or came back."""

    part: str
    available: bool


@dataclass(frozen=True, slots=True)
class WorkerState(Fact):
    """The worker started, is ready, is draining, or stopped."""

    role: str
    state: str


@dataclass(frozen=True, slots=True)
class WorkerFailed(Fact):
    """The worker cannot go on and exits with a non-zero status."""

    role: str
    error: str
    """Name of the error's class."""
    reason: str
    """Of our own errors their text, which holds no data; else empty."""


class Telemetry(Protocol):
    """Where facts go."""

    def emit(self, fact: Fact) -> None:
        """Count and, where the catalogue says so, log. Never raises, never blocks."""
        ...

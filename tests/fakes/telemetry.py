"""A telemetry that remembers, and one instance of every fact."""

from __future__ import annotations

from typing import TypeVar

from streamgate import telemetry as t
from streamgate.errors import Code, Status

F = TypeVar("F", bound=t.Fact)


class FakeTelemetry:
    """Implements ``streamgate.telemetry.Telemetry``."""

    def __init__(self) -> None:
        self.facts: list[t.Fact] = []

    def emit(self, fact: t.Fact) -> None:
        self.facts.append(fact)

    def of(self, kind: type[F]) -> list[F]:
        """The facts of one type, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


ONE_OF_EACH: tuple[t.Fact, ...] = (
    t.PromptAccepted("support", {"PERSON": 2, "EMAIL": 1}, 3, 0.4),
    t.PromptFinished(Status.ANSWERED, Code.OK, 1.5),
    t.DetectionTimed(0.003, 700),
    t.LatencyAdded("redact", 0.01),
    t.TokensRestored(3, 1, 2),
    t.CopySeen("prompts"),
    t.LateCompletion(),
    t.DeadLettered("prompts", Code.NOT_AVRO),
    t.LetterHandled("replay", Code.LETTER_REPLAYED),
    t.CallFinished("gpt-test", Code.OK, 1.2),
    t.PromptMoved(),
    t.CallRepeated("gpt-test"),
    t.CallRetried("gpt-test", "rate_limited"),
    t.FellBack("gpt-test", "rate_limited"),
    t.BatchAnswered("gpt-test", Code.OK),
    t.BatchLineDropped(),
    t.BatchStepFailed("rate_limited"),
    t.BatchesHeld({"running": 1}, 200, 1),
    t.TokensUsed("gpt-test", 120, 30),
    t.MoneySpent("acme", "support", "gpt-test", 120, 30, 0.000036),
    t.CostUnknown("acme", "support", "gpt-test", 2),
    t.TenantMoneyLeft("acme", "day", 4.5),
    t.PurposeMoneyLeft("support", "month", -0.5),
    t.ShareHeld("gpt-test", 15, 2500),
    t.WorkersShare(4),
    t.BudgetLeft("gpt-test", 59.0, 9000.0),
    t.ConsentChanged("grant"),
    t.SubjectRightExercised("erase"),
    t.KeyCacheUsed(hit=True),
    t.AuditChained("prompt_accepted"),
    t.RecordRead("prompts", 0.02),
    t.Committed("prompts", 4, 0.5),
    t.StageFailed("prompts", "KeyError", "streamgate.pipeline.redact:10"),
    t.PartUnavailable("detector", available=False),
    t.WorkerFailed("vault", "Unavailable", "ProducerFenced"),
    t.WorkerState("vault", "ready"),
)

KNOWN = t.Known(
    models=frozenset({"gpt-test"}),
    tenants=frozenset({"acme"}),
    purposes=frozenset({"support"}),
    entities=frozenset({"PERSON", "EMAIL"}),
    reasons=frozenset({"rate_limited"}),
    audit_facts=frozenset({"prompt_accepted"}),
    parts=frozenset({"detector"}),
)

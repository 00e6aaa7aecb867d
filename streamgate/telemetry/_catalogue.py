"""One declaration per fact: which log line it makes and which metrics it changes. Nothing else in streamgate counts or logs.

Levels: what happens per record is ``debug``, so that a worker in normal operation is quiet; the life of the worker and the rights of data
subjects are ``info``; trouble is ``warning`` and above.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from streamgate.telemetry import _batch_facts as b
from streamgate.telemetry import _facts as f
from streamgate.telemetry import _metrics as m
from streamgate.telemetry import _money_facts as money
from streamgate.telemetry._declaration import Declaration, Level, at
from streamgate.telemetry._fallback_facts import FellBack
from streamgate.telemetry._metric import Update


def _availability(fact: f.PartUnavailable) -> Level:
    return "info" if fact.available else "warning"


def _accepted(fact: f.PromptAccepted) -> Iterable[Update]:
    yield Update(m.ACCEPTED, 1, (fact.purpose,))
    yield Update(m.ACCEPTED_AGE, fact.age_seconds)
    yield Update(m.DROPPED_FIELDS, fact.dropped_fields)
    for entity, count in fact.entities.items():
        yield Update(m.ENTITIES, count, (entity,))


def _finished(fact: f.PromptFinished) -> Iterable[Update]:
    yield Update(m.PROMPTS, 1, (fact.status, fact.code))
    yield Update(m.PROMPT_SECONDS, fact.seconds, (fact.status,))


def _detected(fact: f.DetectionTimed) -> Iterable[Update]:
    yield Update(m.DETECTION_SECONDS, fact.seconds)
    yield Update(m.DETECTION_CHARACTERS, fact.characters)


def _latency(fact: f.LatencyAdded) -> Iterable[Update]:
    yield Update(m.ADDED_LATENCY, fact.seconds, (fact.step,))


def _restored(fact: f.TokensRestored) -> Iterable[Update]:
    yield Update(m.RESTORED, fact.restored)
    yield Update(m.RECOVERED, fact.recovered)
    yield Update(m.UNRESOLVED, fact.unresolved)


def _called(fact: f.CallFinished) -> Iterable[Update]:
    yield Update(m.CALLS, 1, (fact.model, fact.code))
    yield Update(m.CALL_SECONDS, fact.seconds, (fact.model,))


def _used(fact: f.TokensUsed) -> Iterable[Update]:
    yield Update(m.PROVIDER_TOKENS, fact.prompt_tokens, (fact.model, "prompt"))
    yield Update(m.PROVIDER_TOKENS, fact.completion_tokens, (fact.model, "completion"))


def _spent(fact: money.MoneySpent) -> Iterable[Update]:
    whose = (fact.tenant, fact.purpose, fact.model)
    yield Update(m.SPENT_MONEY, fact.money, whose)
    yield Update(m.SPENT_TOKENS, fact.prompt_tokens, (*whose, "prompt"))
    yield Update(m.SPENT_TOKENS, fact.completion_tokens, (*whose, "completion"))


def _unknown(fact: money.CostUnknown) -> Iterable[Update]:
    yield Update(m.UNKNOWN_COST, fact.calls, (fact.tenant, fact.purpose, fact.model))


def _tenant_money(fact: money.TenantMoneyLeft) -> Iterable[Update]:
    yield Update(m.TENANT_MONEY, fact.money, (fact.tenant, fact.period))


def _purpose_money(fact: money.PurposeMoneyLeft) -> Iterable[Update]:
    yield Update(m.PURPOSE_MONEY, fact.money, (fact.purpose, fact.period))


def _budget(fact: f.BudgetLeft) -> Iterable[Update]:
    yield Update(m.BUDGET_REQUESTS, fact.requests, (fact.model,))
    yield Update(m.BUDGET_TOKENS, fact.tokens, (fact.model,))


def _share(fact: f.ShareHeld) -> Iterable[Update]:
    yield Update(m.SHARE_REQUESTS, fact.requests, (fact.model,))
    yield Update(m.SHARE_TOKENS, fact.tokens, (fact.model,))


def _workers(fact: f.WorkersShare) -> Iterable[Update]:
    yield Update(m.WORKERS, fact.workers)


def _committed(fact: f.Committed) -> Iterable[Update]:
    yield Update(m.LAG, fact.lag_records, (fact.topic,))
    yield Update(m.COMMIT_AGE, 0, (fact.topic,))


def _availability_update(fact: f.PartUnavailable) -> Iterable[Update]:
    yield Update(m.PART_AVAILABLE, 1.0 if fact.available else 0.0, (fact.part,))


def _copy(fact: f.CopySeen) -> Iterable[Update]:
    yield Update(m.COPIES, 1, (fact.topic,))


def _late(_fact: f.LateCompletion) -> Iterable[Update]:
    yield Update(m.LATE, 1)


def _dead(fact: f.DeadLettered) -> Iterable[Update]:
    yield Update(m.DEAD_LETTERS, 1, (fact.topic, fact.code))


def _letter(fact: f.LetterHandled) -> Iterable[Update]:
    yield Update(m.OPERATOR_REQUESTS, 1, (fact.command, fact.code))


def _retried(fact: f.CallRetried) -> Iterable[Update]:
    yield Update(m.RETRIES, 1, (fact.model, fact.reason))


def _fell_back(fact: FellBack) -> Iterable[Update]:
    yield Update(m.FALLBACKS, 1, (fact.model, fact.reason))


def _moved(_fact: f.PromptMoved) -> Iterable[Update]:
    yield Update(m.MOVED, 1, ())


def _repeated(fact: f.CallRepeated) -> Iterable[Update]:
    yield Update(m.CALLS_REPEATED, 1, (fact.model,))


def _batch_answered(fact: b.BatchAnswered) -> Iterable[Update]:
    yield Update(m.BATCH_ENDED, 1, (fact.model, fact.code))


def _batch_line(_fact: b.BatchLineDropped) -> Iterable[Update]:
    yield Update(m.BATCH_LINES, 1)


def _batch_failed(fact: b.BatchStepFailed) -> Iterable[Update]:
    yield Update(m.BATCH_FAILURES, 1, (fact.reason,))


def _batches(fact: b.BatchesHeld) -> Iterable[Update]:
    for state, count in fact.states.items():
        yield Update(m.BATCHES, count, (state,))
    yield Update(m.BATCH_WAITING, fact.requests)
    yield Update(m.BATCH_FILES, fact.files)


def _consent(fact: f.ConsentChanged) -> Iterable[Update]:
    yield Update(m.CONSENTS, 1, (fact.decision,))


def _right(fact: f.SubjectRightExercised) -> Iterable[Update]:
    yield Update(m.RIGHTS, 1, (fact.kind,))


def _cache(fact: f.KeyCacheUsed) -> Iterable[Update]:
    yield Update(m.KEY_CACHE, 1, ("hit" if fact.hit else "miss",))


def _chained(fact: f.AuditChained) -> Iterable[Update]:
    yield Update(m.AUDIT_ENTRIES, 1, (fact.fact,))


def _read(fact: f.RecordRead) -> Iterable[Update]:
    yield Update(m.QUEUE_AGE, fact.age_seconds, (fact.topic,))


def _stage_failed(fact: f.StageFailed) -> Iterable[Update]:
    yield Update(m.STAGE_FAILURES, 1, (fact.topic,))


def _state(fact: f.WorkerState) -> Iterable[Update]:
    yield Update(m.WORKER_STATES, 1, (fact.role, fact.state))


def _worker_failed(fact: f.WorkerFailed) -> Iterable[Update]:
    yield Update(m.WORKER_STATES, 1, (fact.role, "failed"))


_DEBUG: Final = at("debug")
_INFO: Final = at("info")

DECLARATIONS: Final[tuple[Declaration[Any], ...]] = (
    Declaration(f.PromptAccepted, "prompt.accepted", _DEBUG, ("purpose", "entities", "dropped_fields", "age_seconds"), _accepted),
    Declaration(f.PromptMoved, "prompt.moved_to_bulk", _DEBUG, (), _moved),
    Declaration(f.PromptFinished, "prompt.finished", _DEBUG, ("status", "code", "seconds"), _finished),
    Declaration(f.DetectionTimed, "detection.timed", _DEBUG, ("seconds", "characters"), _detected),
    Declaration(f.LatencyAdded, "latency.added", _DEBUG, ("step", "seconds"), _latency),
    Declaration(f.TokensRestored, "tokens.restored", _DEBUG, ("restored", "recovered", "unresolved"), _restored),
    Declaration(f.CopySeen, "copy.seen", _DEBUG, ("topic",), _copy),
    Declaration(f.LateCompletion, "completion.late", _DEBUG, (), _late),
    Declaration(f.DeadLettered, "record.dead_lettered", at("warning"), ("topic", "code"), _dead),
    Declaration(f.LetterHandled, "dead_letter.handled", _INFO, ("command", "code"), _letter),
    Declaration(f.CallFinished, "call.finished", _DEBUG, ("model", "code", "seconds"), _called),
    Declaration(f.CallRetried, "call.retried", _DEBUG, ("model", "reason"), _retried),
    Declaration(FellBack, "call.fell_back", _DEBUG, ("model", "reason"), _fell_back),
    Declaration(f.CallRepeated, "call.repeated", at("warning"), ("model",), _repeated),
    Declaration(b.BatchAnswered, "batch.answered", _DEBUG, ("model", "code"), _batch_answered),
    Declaration(b.BatchLineDropped, "batch.line_dropped", at("warning"), (), _batch_line),
    Declaration(b.BatchStepFailed, "batch.step_failed", at("warning"), ("reason",), _batch_failed),
    Declaration(b.BatchesHeld, "batch.held", _DEBUG, ("states", "requests", "files"), _batches),
    Declaration(f.TokensUsed, "call.tokens_used", _DEBUG, ("model", "prompt_tokens", "completion_tokens"), _used),
    Declaration(
        money.MoneySpent,
        "call.money_spent",
        _DEBUG,
        ("tenant", "purpose", "model", "prompt_tokens", "completion_tokens", "money"),
        _spent,
    ),
    Declaration(money.CostUnknown, "call.cost_unknown", _DEBUG, ("tenant", "purpose", "model", "calls"), _unknown),
    Declaration(money.TenantMoneyLeft, "money.tenant_left", _DEBUG, ("tenant", "period", "money"), _tenant_money),
    Declaration(money.PurposeMoneyLeft, "money.purpose_left", _DEBUG, ("purpose", "period", "money"), _purpose_money),
    Declaration(f.ShareHeld, "budget.share", _DEBUG, ("model", "requests", "tokens"), _share),
    Declaration(f.WorkersShare, "workers.share", _INFO, ("workers",), _workers),
    Declaration(f.BudgetLeft, "budget.left", _DEBUG, ("model", "requests", "tokens"), _budget),
    Declaration(f.ConsentChanged, "consent.changed", _DEBUG, ("decision",), _consent),
    Declaration(f.SubjectRightExercised, "subject_right.exercised", _INFO, ("kind",), _right),
    Declaration(f.KeyCacheUsed, "key_cache.used", _DEBUG, ("hit",), _cache),
    Declaration(f.AuditChained, "audit.chained", _DEBUG, ("fact",), _chained),
    Declaration(f.RecordRead, "record.read", _DEBUG, ("topic", "age_seconds"), _read),
    Declaration(f.Committed, "offset.committed", _DEBUG, ("topic", "lag_records", "seconds_since_last"), _committed),
    Declaration(f.StageFailed, "stage.failed", at("error"), ("topic", "error", "where"), _stage_failed),
    Declaration(f.PartUnavailable, "part.availability", _availability, ("part", "available"), _availability_update),
    Declaration(f.WorkerFailed, "worker.failed", at("error"), ("role", "error", "reason"), _worker_failed),
    Declaration(f.WorkerState, "worker.state", _INFO, ("role", "state"), _state),
)

CATALOGUE: Final[Mapping[type[f.Fact], Declaration[Any]]] = {declaration.fact: declaration for declaration in DECLARATIONS}

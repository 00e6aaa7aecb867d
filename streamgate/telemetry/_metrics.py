"""Every metric, declared once. What changes each of them stands in ``_catalogue``."""

from __future__ import annotations

from typing import Final

from streamgate.telemetry._metric import PREFIX, Kind, Label, Metric

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds, for work of our own."""
_CALL: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0)
"""Seconds, for model calls."""
_WAIT: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds, for what may stand in a queue."""


def _counter(name: str, text: str, *labels: Label) -> Metric:
    return Metric(f"{PREFIX}{name}_total", Kind.COUNTER, text, labels)


def _gauge(name: str, text: str, *labels: Label) -> Metric:
    return Metric(PREFIX + name, Kind.GAUGE, text, labels)


def _histogram(name: str, buckets: tuple[float, ...], text: str, *labels: Label) -> Metric:
    return Metric(PREFIX + name, Kind.HISTOGRAM, text, labels, buckets)


PROMPTS: Final = _counter("prompts", "Prompts that ended, by how.", Label.STATUS, Label.CODE)
PROMPT_SECONDS: Final = _histogram("prompt_seconds", _CALL, "From a prompt's arrival to its response.", Label.STATUS)
ACCEPTED: Final = _counter("accepted_prompts", "Prompts masked and passed on.", Label.PURPOSE)
ACCEPTED_AGE: Final = _histogram("accepted_age_seconds", _WAIT, "From a prompt's created_at to the decision to pass it on.")
ENTITIES: Final = _counter("entities", "Values replaced by tokens, by type.", Label.ENTITY)
DROPPED_FIELDS: Final = _counter("dropped_fields", "Fields dropped because the schema does not let them through.")
DETECTION_SECONDS: Final = _histogram("detection_seconds", _FAST, "Detection of one prompt.")
DETECTION_CHARACTERS: Final = _counter("detection_characters", "Characters that detection looked at.")
ADDED_LATENCY: Final = _histogram("added_latency_seconds", _FAST, "What streamgate adds to a prompt beyond the model call.", Label.STEP)
RESTORED: Final = _counter("restored_tokens", "Tokens of answers restored to their values, recovered ones included.")
RECOVERED: Final = _counter("recovered_tokens", "Restored tokens that the model had bent.")
UNRESOLVED: Final = _counter("unresolved_tokens", "Tokens of answers that stayed tokens.")
COPIES: Final = _counter("copies", "Second copies of known records.", Label.TOPIC)
LATE: Final = _counter("late_completions", "Completions dropped because their prompt had ended.")
DEAD_LETTERS: Final = _counter("dead_letters", "Records sealed to dead-letters.", Label.TOPIC, Label.CODE)
OPERATOR_REQUESTS: Final = _counter("operator_requests", "Dead letters shown or replayed, or why not.", Label.COMMAND, Label.CODE)
CALLS: Final = _counter("calls", "Provider calls that ended, by how.", Label.MODEL, Label.CODE)
CALL_SECONDS: Final = _histogram("call_seconds", _CALL, "Duration of one provider call.", Label.MODEL)
RETRIES: Final = _counter("call_retries", "Provider calls about to be made again.", Label.MODEL, Label.REASON)
FALLBACKS: Final = _counter(
    "fallbacks", "Models left for the next one that the policy names, or skipped for want of credentials.", Label.MODEL, Label.REASON
)
MOVED: Final = _counter("prompts_moved_to_bulk", "Prompts of the interactive lane that went on in the bulk lane, their tenant being busy.")
CALLS_REPEATED: Final = _counter(
    "calls_repeated", "Requests called again whose call had begun before a crash or a rebalance; each may be paid twice.", Label.MODEL
)
BATCHES: Final = _gauge("open_batches", "Batches of this worker's partitions, by how far they are.", Label.STATE)
BATCH_WAITING: Final = _gauge("open_batch_requests", "Requests that wait for a batch or are in one.")
BATCH_FILES: Final = _gauge("undeleted_batch_files", "Files that the provider holds for batches; 0 when there are none under way.")
BATCH_ENDED: Final = _counter("batch_requests", "Requests marked for a batch that ended, by how.", Label.MODEL, Label.CODE)
BATCH_LINES: Final = _counter("batch_lines_dropped", "Lines of results that were nobody's, second ones or not readable.")
BATCH_FAILURES: Final = _counter("batch_step_failures", "Steps of a batch that failed at the provider and are tried again.", Label.REASON)
PROVIDER_TOKENS: Final = _counter("provider_tokens", "Tokens as the provider counted them.", Label.MODEL, Label.DIRECTION)
SPENT_MONEY: Final = _counter(
    "spent_money", "Money spent on calls by the price table, in units of egress.currency.", Label.TENANT, Label.PURPOSE, Label.MODEL
)
SPENT_TOKENS: Final = _counter(
    "spent_tokens",
    "Tokens as the provider counted them, by who spent them.",
    Label.TENANT,
    Label.PURPOSE,
    Label.MODEL,
    Label.DIRECTION,
)
UNKNOWN_COST: Final = _counter(
    "calls_cost_unknown",
    "Calls that may have been billed, at a cost that is not known: timeouts, broken replies, calls begun before a crash.",
    Label.TENANT,
    Label.PURPOSE,
    Label.MODEL,
)
TENANT_MONEY: Final = _gauge(
    "tenant_left_money", "What is left of a tenant's budget, in units of egress.currency, over all replicas.", Label.TENANT, Label.PERIOD
)
PURPOSE_MONEY: Final = _gauge(
    "purpose_left_money", "What is left of a purpose's budget, in units of egress.currency, over all replicas.", Label.PURPOSE, Label.PERIOD
)
SHARE_REQUESTS: Final = _gauge("budget_share_requests", "Requests a minute that this worker holds of the limit.", Label.MODEL)
SHARE_TOKENS: Final = _gauge("budget_share_tokens", "Provider tokens a minute that this worker holds of the limit.", Label.MODEL)
WORKERS: Final = _gauge("workers_available", "Workers of egress that share the limits, as far as this one knows.")
BUDGET_REQUESTS: Final = _gauge("budget_left_requests", "Requests left of the current minute.", Label.MODEL)
BUDGET_TOKENS: Final = _gauge("budget_left_tokens", "Provider tokens left of the current minute.", Label.MODEL)
CONSENTS: Final = _counter("consent_changes", "Grants and withdrawals that took effect.", Label.DECISION)
RIGHTS: Final = _counter("subject_rights", "Rights of data subjects carried out.", Label.RIGHT)
KEY_CACHE: Final = _counter("key_cache_lookups", "Look-ups of opened subject keys.", Label.RESULT)
AUDIT_ENTRIES: Final = _counter("audit_entries", "Audit entries chained and signed.", Label.FACT)
QUEUE_AGE: Final = _histogram("queue_age_seconds", _WAIT, "From a record's Kafka timestamp to its being taken up.", Label.TOPIC)
LAG: Final = _gauge("lag_records", "Records not yet committed, over this worker's partitions.", Label.TOPIC)
COMMIT_AGE: Final = Metric(
    f"{PREFIX}commit_age_seconds", Kind.AGE, "Since the committed offset last moved; grows when idle.", (Label.TOPIC,)
)
STAGE_FAILURES: Final = _counter("stage_failures", "Stages that raised; their record is dead-lettered.", Label.TOPIC)
PART_AVAILABLE: Final = _gauge("part_available", "Whether a part that records need is up (1) or down (0).", Label.PART)
WORKER_STATES: Final = _counter("worker_states", "States the worker went through.", Label.ROLE, Label.STATE)

METRICS: Final[tuple[Metric, ...]] = (
    PROMPTS,
    PROMPT_SECONDS,
    ACCEPTED,
    ACCEPTED_AGE,
    ENTITIES,
    DROPPED_FIELDS,
    DETECTION_SECONDS,
    DETECTION_CHARACTERS,
    ADDED_LATENCY,
    RESTORED,
    RECOVERED,
    UNRESOLVED,
    COPIES,
    LATE,
    DEAD_LETTERS,
    OPERATOR_REQUESTS,
    CALLS,
    CALL_SECONDS,
    RETRIES,
    FALLBACKS,
    MOVED,
    CALLS_REPEATED,
    BATCHES,
    BATCH_WAITING,
    BATCH_FILES,
    BATCH_ENDED,
    BATCH_LINES,
    BATCH_FAILURES,
    PROVIDER_TOKENS,
    SPENT_MONEY,
    SPENT_TOKENS,
    UNKNOWN_COST,
    TENANT_MONEY,
    PURPOSE_MONEY,
    SHARE_REQUESTS,
    SHARE_TOKENS,
    WORKERS,
    BUDGET_REQUESTS,
    BUDGET_TOKENS,
    CONSENTS,
    RIGHTS,
    KEY_CACHE,
    AUDIT_ENTRIES,
    QUEUE_AGE,
    LAG,
    COMMIT_AGE,
    STAGE_FAILURES,
    PART_AVAILABLE,
    WORKER_STATES,
)

"""The one error tree. No error holds data of a record: only a stable code and the reader's next step.

::

    StreamgateError
    ├── RecordError          this record ends here: refused, failed or dead-lettered under its code
    │   ├── Unreadable       not even the envelope can be read: the original is sealed to dead-letters
    │   ├── Refused          read, and not let through
    │   └── Failed           let through, and not answered
    ├── Unavailable          a part needed for this record is down: wait, then refuse; never pass
    ├── SealBroken           a sealed value does not open under this key and AAD
    ├── SchemaRejected       a schema or its annotations may not be used (``streamgate schema check``)
    ├── ConfigError          settings or policy are wrong; ``problems`` lists every mistake
    └── OperationRefused     an operator's command, or a start, would do harm as things stand
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final


@unique
class Status(StrEnum):
    """How a prompt ends. Exactly one of these is published for every prompt whose envelope can be read."""

    ANSWERED = "answered"
    REFUSED = "refused"
    FAILED = "failed"


@unique
class Code(StrEnum):
    """Stable codes. Consumers may match on them; they are never renamed, and a new one is additive."""

    OK = "ok"
    # dead-lettered: nothing could be read, or nobody may be answered
    NOT_AVRO = "not_avro"
    UNKNOWN_SCHEMA = "unknown_schema"
    SCHEMA_NOT_APPROVED = "schema_not_approved"
    UNDECODABLE = "undecodable"
    BAD_KEY = "bad_key"
    WRONG_PARTITION = "wrong_partition"
    CONTENT_CONFLICT = "content_conflict"
    # refused: read, and not let through
    MISSING_FIELD = "missing_field"
    INVALID_FIELD = "invalid_field"
    INVALID_UTF8 = "invalid_utf8"
    EMPTY_PROMPT = "empty_prompt"
    OVERSIZE_PROMPT = "oversize_prompt"
    ROLE_NOT_ALLOWED = "role_not_allowed"
    UNKNOWN_TENANT = "unknown_tenant"
    UNKNOWN_PURPOSE = "unknown_purpose"
    UNKNOWN_MODEL = "unknown_model"
    REPLY_TOPIC_NOT_ALLOWED = "reply_topic_not_allowed"
    BATCH_NOT_ALLOWED = "batch_not_allowed"
    NO_CONSENT = "no_consent"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    SUBJECT_ERASED = "subject_erased"
    DETECTOR_UNAVAILABLE = "detector_unavailable"
    KEY_UNAVAILABLE = "key_unavailable"
    TOKEN_COLLISION = "token_collision"  # noqa: S105  a code, not a password
    FINAL_SCAN_HIT = "final_scan_hit"
    # failed: let through, and not answered
    DEADLINE_EXCEEDED = "deadline_exceeded"
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_FAILED = "provider_failed"
    PROVIDER_INVALID_REPLY = "provider_invalid_reply"
    PROVIDER_UNAUTHORISED = "provider_unauthorised"
    PROVIDER_QUOTA_SPENT = "provider_quota_spent"
    CONTEXT_TOO_LONG = "context_too_long"
    MONEY_SPENT = "money_spent"
    INTERNAL_ERROR = "internal_error"
    # said by workers and commands, never of a record
    FENCED = "fenced"
    BROKER_UNAVAILABLE = "broker_unavailable"
    # of an operator's request about a dead letter
    LETTER_MISSING = "letter_missing"
    LETTER_EXPIRED = "letter_expired"
    LETTER_UNREADABLE = "letter_unreadable"
    LETTER_UNPROVEN = "letter_unproven"
    LETTER_NOT_REPLAYABLE = "letter_not_replayable"
    LETTER_MISPLACED = "letter_misplaced"
    LETTER_TOO_LARGE = "letter_too_large"
    LETTER_REPLAYED = "letter_replayed"
    OPERATOR_REQUEST_INVALID = "operator_request_invalid"
    OPERATOR_REQUEST_LATE = "operator_request_late"
    # of a change of the partition count
    WORKERS_RUNNING = "workers_running"
    NOT_DRAINED = "not_drained"
    SUBJECT_NOT_PLACED = "subject_not_placed"
    PARTITIONS_FEWER = "partitions_fewer"
    BROKER_UNSUITED = "broker_unsuited"
    REPARTITION_UNFINISHED = "repartition_unfinished"


NEXT_STEP: Final[dict[Code, str]] = {
    Code.OK: "nothing to do",
    Code.NOT_AVRO: "send Avro single-object encoding (C3 01 ...) or the Confluent wire format (00 ...)",
    Code.UNKNOWN_SCHEMA: "add the schema under schemas/ or in the registry, then run `streamgate schema approve`",
    Code.SCHEMA_NOT_APPROVED: "review the schema and run `streamgate schema approve`",
    Code.UNDECODABLE: "the bytes do not fit the schema they name; check the producer's writer schema",
    Code.BAD_KEY: "key the record by tenant, 0x1F, subject in UTF-8",
    Code.WRONG_PARTITION: "use the murmur2 partitioner on the record key",
    Code.CONTENT_CONFLICT: "use a new event_id for new content",
    Code.MISSING_FIELD: "fill every field that the schema marks with a role",
    Code.INVALID_FIELD: "check the field's type and range against the schema",
    Code.INVALID_UTF8: "send text as well-formed UTF-8, without lone surrogates",
    Code.EMPTY_PROMPT: "send at least one message with text",
    Code.OVERSIZE_PROMPT: "shorten the prompt below limits.prompt_bytes, or raise that limit",
    Code.ROLE_NOT_ALLOWED: "use the message roles system, user, assistant or tool",
    Code.UNKNOWN_TENANT: "add the tenant to the policy file",
    Code.UNKNOWN_PURPOSE: "add the purpose to the policy file and allow it for this tenant",
    Code.UNKNOWN_MODEL: "name a model that the purpose lists in the policy file",
    Code.REPLY_TOPIC_NOT_ALLOWED: "use a reply topic that the policy allows for this tenant",
    Code.BATCH_NOT_ALLOWED: "send it without batch, or write batch = true for the purpose in the policy file",
    Code.NO_CONSENT: "record a grant on the consents topic first (`streamgate consent grant`)",
    Code.CONSENT_WITHDRAWN: "the data subject has withdrawn or objected; do not send this again",
    Code.SUBJECT_ERASED: "the data subject was erased; only a prompt sent after that enrols anew",
    Code.DETECTOR_UNAVAILABLE: "detection is down; look at the vault worker's /readyz and send again",
    Code.KEY_UNAVAILABLE: "the subject's key cannot be opened; check the key file of the vault worker",
    Code.TOKEN_COLLISION: "two values met in one token; split the prompt",
    Code.FINAL_SCAN_HIT: "personal data was found in the final payload; report the entity type named in the audit log",
    Code.DEADLINE_EXCEEDED: "no answer within the deadline; send again with a new event_id or a later deadline",
    Code.PROVIDER_REFUSED: "the provider declined this content; change the prompt",
    Code.PROVIDER_FAILED: "the provider did not answer; send again with a new event_id later",
    Code.PROVIDER_INVALID_REPLY: "the provider's reply could not be used; send again with a new event_id later",
    Code.PROVIDER_UNAUTHORISED: "check the provider credentials of the egress workers",
    Code.PROVIDER_QUOTA_SPENT: "the provider account has no quota left; check its billing",
    Code.CONTEXT_TOO_LONG: "the prompt exceeds the model's context window; shorten it",
    Code.MONEY_SPENT: "the tenant's or the purpose's budget is spent; raise it in egress.money, or wait for the next day or month (UTC)",
    Code.INTERNAL_ERROR: "our own code failed on it; report it with the event_id, then send again with a new one",
    Code.FENCED: "another worker has taken the partition over; nothing is lost, start this one again",
    Code.BROKER_UNAVAILABLE: "Kafka does not answer; look at its brokers and at the worker's rights, then start the worker again",
    Code.LETTER_MISSING: "no dead letter stands there; look with `streamgate dead-letters list`",
    Code.LETTER_EXPIRED: "the dead letter is older than its topic's retention; have the producer send again",
    Code.LETTER_UNREADABLE: "the dead letter does not open: its key epoch was destroyed, or it was altered; have the producer send again",
    Code.LETTER_UNPROVEN: "vault did not write this dead letter as it stands; have the producer send again",
    Code.LETTER_NOT_REPLAYABLE: "only inputs of which nothing could be read are replayed; do what the dead letter's own code says",
    Code.LETTER_MISPLACED: "its key belongs to another partition, where alone an erasure is known of; have the producer send again",
    Code.LETTER_TOO_LARGE: "the original does not fit its topic any more; have the producer send it again, shorter",
    Code.LETTER_REPLAYED: "it was replayed before; look for its response, or for a newer dead letter",
    Code.OPERATOR_REQUEST_INVALID: "give an account name and a short reason in plain ASCII, without personal data",
    Code.OPERATOR_REQUEST_LATE: "vault read the request when nobody waited for it any more; ask again",
    Code.WORKERS_RUNNING: "stop every worker, wait some seconds until its group is empty, then run the command again",
    Code.NOT_DRAINED: "stop the producers, let the workers end every prompt and read everything, stop them, then run the command again",
    Code.SUBJECT_NOT_PLACED: "have each subject whose state is older than this version send a record, or export them, with vault running",
    Code.PARTITIONS_FEWER: "Kafka cannot take partitions away; choose a count above the present one",
    Code.BROKER_UNSUITED: "the embedded broker cannot add partitions; use Apache Kafka",
    Code.REPARTITION_UNFINISHED: "run `streamgate topics repartition` with the same --to until it has ended",
}


class StreamgateError(Exception):
    """Root of everything streamgate raises on purpose. ``str()`` is the code and the next step, nothing else."""

    def __init__(self, code: Code, detail: str = "") -> None:
        """``detail`` is a constant of our own (a field path, an entity type, a setting's name), never a value from a record."""
        self.code = code
        self.detail = detail
        super().__init__(f"{code}{f' ({detail})' if detail else ''}: {NEXT_STEP[code]}")


class RecordError(StreamgateError):
    """This one record ends here; nothing else in flight is disturbed."""


class Unreadable(RecordError):
    """The envelope cannot be read: sealed to dead-letters, no response."""


class Refused(RecordError):
    """Read, and not let through: one response with status ``refused``."""


class Failed(RecordError):
    """Let through, and not answered: one response with status ``failed``."""


class Unavailable(StreamgateError):
    """A part that this record needs is down. The record waits until its deadline and is then refused; it is never passed."""


class SealBroken(StreamgateError):
    """A sealed value does not open: wrong key, wrong AAD, unknown version or altered bytes."""

    def __init__(self, detail: str = "") -> None:
        """See :class:`StreamgateError`."""
        super().__init__(Code.KEY_UNAVAILABLE, detail)


class SchemaRejected(StreamgateError):
    """A schema or its annotations may not be used; ``problems`` says why, one line each, naming field paths only."""

    def __init__(self, code: Code, problems: tuple[str, ...]) -> None:
        """Each problem names a path and a rule."""
        self.problems = problems
        super().__init__(code, "; ".join(problems))


class ConfigError(Exception):
    """Settings or policy are wrong. ``problems`` lists every mistake at once: ``place: what is wrong, what to write instead``."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Values of secret settings never stand in a problem."""
        self.problems = problems
        super().__init__("\n".join(problems))


class OperationRefused(StreamgateError):
    """An operator's command, or a start, would do harm as things stand. What was begun before stays begun; nothing else is changed."""

"""Records that the use cases publish: responses, audit events, dead letters. Bytes are made here, and nowhere sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from streamgate.audit import AuditEvent, AuditFact
from streamgate.codec import Schema, encode
from streamgate.effects import Clock, Entropy
from streamgate.errors import NEXT_STEP, Code, Status
from streamgate.pipeline._outcome import Outcome
from streamgate.pipeline.ports.stage import LARGEST_OUTPUT_BYTES, Output, Settle
from streamgate.types import Inbound, Role, Topic
from streamgate.vault import DeadLetterSealer

ORIGINAL_VERSION: Final = 1
LARGEST_ORIGINAL_BYTES: Final = LARGEST_OUTPUT_BYTES // 2
"""Of a dead letter's original; more than an input topic takes."""


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What only an answered prompt's response has."""

    text: str
    finish_reason: str | None
    model: str
    usage: Mapping[str, int] | None
    provider_request_id: str | None
    restored: int
    recovered: int
    unresolved: int
    carried: Mapping[str, str]

    def __repr__(self) -> str:
        """Show sizes only."""
        return f"Answer({len(self.text)} characters)"


@dataclass(frozen=True, slots=True)
class Responses:
    """Makes the one terminal response to a prompt, a function of its outcome and its answer alone: no clock, no entropy."""

    schema: Schema
    default_topic: str

    def of(self, outcome: Outcome, answer: Answer | None = None, settle: Settle | None = None) -> Output:
        """The response to a decided prompt, on its reply topic."""
        record: dict[str, Any] = {
            **self._bare(outcome.event_id, outcome.status or Status.FAILED, outcome.code),
            "tenant": outcome.tenant,
            "subject": outcome.subject_id,
            "purpose": outcome.purpose,
            "traceparent": outcome.traceparent,
        }
        if answer is not None:
            record |= {
                "text": answer.text,
                "finish_reason": answer.finish_reason,
                "model": answer.model,
                "usage": answer.usage,
                "provider_request_id": answer.provider_request_id,
                "restored_tokens": answer.restored,
                "unresolved_tokens": answer.unresolved,
                "carried": dict(answer.carried),
            }
        return Output(outcome.reply_topic, outcome.subject.key(), encode(self.schema, record), settle)

    def anonymous(self, event_id: str, code: Code) -> Output:
        """A refusal that goes to the default topic with event id and code only: its tenant or reply topic is not to be trusted.

        Without the prompt's key too, since that names the data subject.
        """
        return Output(self.default_topic, None, encode(self.schema, self._bare(event_id, Status.REFUSED, code)))

    def _bare(self, event_id: str, status: Status, code: Code) -> dict[str, Any]:
        return {
            "event_id": event_id,
            "status": status.value,
            "code": code.value,
            "next_step": "" if code is Code.OK else NEXT_STEP[code],
            "tenant": None,
            "subject": None,
            "purpose": None,
            "text": None,
            "finish_reason": None,
            "model": None,
            "usage": None,
            "provider_request_id": None,
            "restored_tokens": 0,
            "unresolved_tokens": 0,
            "carried": {},
            "traceparent": None,
        }


@dataclass(frozen=True, slots=True)
class AuditWriter:
    """Makes audit events of one role."""

    schema: Schema
    role: Role
    clock: Clock
    entropy: Entropy

    def output(self, fact: AuditFact, **facts: Any) -> Output:
        """An audit event as an output; ``facts`` are the optional fields of :class:`AuditEvent`."""
        key, value = self.record(fact, **facts)
        return Output(Topic.AUDIT_EVENTS, key, value)

    def record(self, fact: AuditFact, **facts: Any) -> tuple[bytes | None, bytes]:
        """Key and value of an audit event."""
        event = AuditEvent(event_id=self.entropy.token_bytes(16), at_ms=self.clock.now_ms(), role=self.role.value, fact=fact, **facts)
        return event.reference, encode(self.schema, event.record())


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Seals what could not be processed, so that only vault can look at it again."""

    schema: Schema
    sealer: DeadLetterSealer
    audit: AuditWriter

    def outputs(self, record: Inbound, code: Code, reference: bytes | None = None) -> tuple[Output, Output]:
        """The dead letter and the audit event about it."""
        sealed = self.sealer.seal(_original(record), _aad(record))
        letter = {
            "code": code.value,
            "role": self.audit.role.value,
            "topic": record.topic,
            "source_partition": record.partition,
            "source_offset": record.offset,
            "at": record.timestamp_ms,
            "reference": reference,
            "size_bytes": len(record.value or b""),
            "epoch": self.sealer.epoch,
            "sealed": sealed,
        }
        return (
            Output(Topic.DEAD_LETTERS, reference, encode(self.schema, letter)),
            self.audit.output(AuditFact.DEAD_LETTERED, code=code.value, reference=reference),
        )


def _aad(record: Inbound) -> bytes:
    """Binds a dead letter to the place where its original stood."""
    return f"{record.topic}\x1f{record.partition}\x1f{record.offset}".encode()


def _original(record: Inbound) -> bytes:
    """The original in one byte string, big-endian: version byte; key; value; then for each header, by name, its name and its value.

    Each part is its length (4 bytes signed, −1 for none) and its bytes. The value of an original that no dead letter has room for is left
    out; the dead letter says how long it was.
    """
    value = record.value if len(record.value or b"") <= LARGEST_ORIGINAL_BYTES else None
    headers = (part for name, held in sorted(record.headers.items()) for part in (name.encode(), held))
    return bytes([ORIGINAL_VERSION]) + b"".join(map(_part, (record.key, value, *headers)))


def _part(data: bytes | None) -> bytes:
    return (-1).to_bytes(4, signed=True) if data is None else len(data).to_bytes(4, signed=True) + data

"""Records that the use cases publish: responses and audit events. Bytes are made here, and nowhere sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamgate.audit import AuditEvent, AuditFact
from streamgate.codec import Schema, encode
from streamgate.effects import Clock, Entropy
from streamgate.errors import NEXT_STEP, Code, Status
from streamgate.pipeline._outcome import Outcome
from streamgate.pipeline.ports.stage import Output, Settle
from streamgate.types import Role, Topic


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

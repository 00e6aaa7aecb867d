"""Prompt and response as typed values."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamgate.errors import Code, Status
from streamgate.types import ChatRole, Parameters, Subject, Usage


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Prompt:
    """One prompt event (``schemas/prompts``). Holds personal data: its ``repr`` shows names from the policy and sizes only."""

    tenant: str
    subject: str
    purpose: str
    messages: Sequence[tuple[ChatRole, str]]
    context: Mapping[str, Any] | None = None
    """Fields of the schema's ``Context`` record."""
    model: str | None = None
    parameters: Parameters | None = None
    reply_topic: str | None = None
    deadline_ms: int | None = None
    """Milliseconds since the epoch; ``None`` takes the purpose's default."""
    traceparent: str | None = None
    bulk: bool = False
    """Nobody waits for the answer: the prompt goes by the bulk lane, behind everything interactive."""
    batch: bool = False
    """The answer may take a day, at half the price: where its purpose does not allow batches it is refused. Goes by the bulk lane."""
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Unique per tenant and subject. Sending the same prompt again under the same id gets the same answer again, and costs no call."""

    def __repr__(self) -> str:
        """Show no text and no subject."""
        return f"Prompt({self.tenant}, {self.purpose}, {len(self.messages)} messages)"

    @property
    def key(self) -> bytes:
        """The Kafka record key."""
        return Subject(self.tenant, self.subject).key()

    def record(self, created_at_ms: int) -> dict[str, Any]:
        """The event by the field names of its schema."""
        chosen = self.parameters
        return {
            "event_id": self.event_id,
            "tenant": self.tenant,
            "subject": self.subject,
            "purpose": self.purpose,
            "created_at": created_at_ms,
            "deadline_at": self.deadline_ms,
            "reply_topic": self.reply_topic,
            "traceparent": self.traceparent,
            "model": self.model,
            "batch": True if self.batch else None,
            "messages": [{"role": role, "content": [{"type": "text", "text": text}], "tool_call_id": None} for role, text in self.messages],
            "parameters": None
            if chosen is None
            else {
                "temperature": chosen.temperature,
                "top_p": chosen.top_p,
                "max_output_tokens": chosen.max_output_tokens,
                "seed": chosen.seed,
                "stop": list(chosen.stop),
            },
            "context": None if self.context is None else dict(self.context),
        }


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """The one terminal response to a prompt (``schemas/responses``). Holds personal data."""

    event_id: str
    status: Status
    code: Code
    next_step: str
    text: str | None
    finish_reason: str | None
    model: str | None
    usage: Usage | None
    provider_request_id: str | None
    restored_tokens: int
    unresolved_tokens: int
    carried: Mapping[str, str]
    tenant: str | None
    subject: str | None
    purpose: str | None

    def __repr__(self) -> str:
        """Show how it ended."""
        return f"Response({self.status}, {self.code})"

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Response:
        """From a decoded record."""
        usage = record["usage"]
        return cls(
            event_id=record["event_id"],
            status=Status(record["status"]),
            code=Code(record["code"]),
            next_step=record["next_step"],
            text=record["text"],
            finish_reason=record["finish_reason"],
            model=record["model"],
            usage=None if usage is None else Usage(usage["prompt_tokens"], usage["completion_tokens"]),
            provider_request_id=record["provider_request_id"],
            restored_tokens=record["restored_tokens"],
            unresolved_tokens=record["unresolved_tokens"],
            carried=record["carried"],
            tenant=record["tenant"],
            subject=record["subject"],
            purpose=record["purpose"],
        )

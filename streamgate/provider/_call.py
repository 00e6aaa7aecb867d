"""The port to the model: what goes out, what comes back. No I/O; the one real implementation is ``streamgate.adapters.openai_chat``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from streamgate.types import DEFAULT_PROVIDER, MaskedMessage, ModelRef, Parameters, Usage


@dataclass(frozen=True, slots=True, repr=False)
class ChatCall:
    """One chat completion to ask for. Its messages are masked by type."""

    request_id: bytes
    model: str
    messages: tuple[MaskedMessage, ...]
    parameters: Parameters
    safety_identifier: str
    """Keyed digest of the data subject, per purpose; at most 128 characters."""
    provider: str = DEFAULT_PROVIDER

    @property
    def name(self) -> str:
        """Of the model at its provider: what has limits, an estimate and a breaker of its own."""
        return ModelRef(self.provider, self.model).name

    def __repr__(self) -> str:
        """Show the model and sizes only."""
        return f"ChatCall({self.name!r}, {len(self.messages)} messages, {self.characters()} characters)"

    def characters(self) -> int:
        """Characters of all messages together."""
        return sum(len(message.content.text) for message in self.messages)


@dataclass(frozen=True, slots=True)
class Quota:
    """One of the provider's two quotas, as the headers of a reply state it; ``None`` where they do not."""

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None
    """Until the quota is whole again."""


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """``x-ratelimit-{limit,remaining,reset}-{requests,tokens}`` of one reply."""

    requests: Quota = Quota()
    tokens: Quota = Quota()


@dataclass(frozen=True, slots=True, repr=False)
class ChatReply:
    """A reply whose shape was checked. Its text was written by the model: it may hold anything, so ``repr`` shows its length."""

    text: str
    finish_reason: str | None
    model: str
    usage: Usage | None = None
    provider_request_id: str | None = None
    limits: RateHeaders | None = None

    def __repr__(self) -> str:
        """Show sizes only."""
        return f"ChatReply({len(self.text)} characters, {self.usage})"


class ChatModel(Protocol):
    """Answers one call."""

    async def complete(self, call: ChatCall, timeout_seconds: float) -> ChatReply:
        """One attempt, ended after ``timeout_seconds`` of wall-clock time, whatever the provider does.

        Raises :class:`streamgate.provider.CallFailed` and nothing else on account of the provider; what it raises holds no text of the
        call or of the reply. Cancellation is passed on.
        """
        ...

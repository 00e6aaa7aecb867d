"""Frozen values that every layer shares. Whatever can hold personal data shows its size and nothing else in ``repr``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final, Literal, NewType

KEY_SEPARATOR: Final = b"\x1f"
DEFAULT_PROVIDER: Final = "default"

Partition = NewType("Partition", int)
RequestId = NewType("RequestId", bytes)
"""16 random bytes; made by vault, one per call that may be made."""
Reference = NewType("Reference", bytes)
"""16 random bytes that stand for one incarnation of a data subject outside vault."""


@unique
class Topic(StrEnum):
    """Logical topic names; the physical name is the configured prefix and this. Reply topics are named by the policy instead."""

    PROMPTS = "prompts"
    PROMPTS_BULK = "prompts.bulk"
    CONSENTS = "consents"
    SUBJECT_REQUESTS = "subject-requests"
    SUBJECT_RESULTS = "subject-results"
    REQUESTS = "requests"
    REQUESTS_BULK = "requests.bulk"
    REQUESTS_BATCH = "requests.batch"
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    STANDING = "standing"
    BUDGET = "budget"
    SPEND = "spend"
    AUDIT_EVENTS = "audit-events"
    AUDIT = "audit"
    DEAD_LETTERS = "dead-letters"
    OPERATOR_REQUESTS = "operator-requests"
    OPERATOR_RESULTS = "operator-results"


SCHEMA_TOPICS: Final[Mapping[str, Topic]] = {
    Topic.PROMPTS_BULK: Topic.PROMPTS,
    Topic.REQUESTS_BULK: Topic.REQUESTS,
    Topic.REQUESTS_BATCH: Topic.REQUESTS,
}
"""Topics of the bulk lane, and of batches, have the schema of the interactive one."""


@unique
class Role(StrEnum):
    """What one worker process is. ``vault`` and ``egress`` never share one, except in the demo."""

    VAULT = "vault"
    EGRESS = "egress"
    NOTARY = "notary"


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model at a provider. Both are names of the policy.

    Written ``gpt-4o-mini`` at the default provider and ``azure-eu/gpt-4o-mini`` at another; what stands before the first ``/`` is the
    provider, so a model whose own name has one is written with its provider: ``default/meta-llama/llama-3``.
    """

    provider: str
    model: str

    @classmethod
    def parse(cls, name: str) -> ModelRef:
        """The model that a name stands for."""
        provider, slash, model = name.partition("/")
        return cls(provider, model) if slash else cls(DEFAULT_PROVIDER, name)

    @property
    def name(self) -> str:
        """Its name: the one form in which it stands in metrics, limits and the audit log."""
        return self.model if self.provider == DEFAULT_PROVIDER and "/" not in self.model else f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True, repr=False)
class Subject:
    """A data subject within a tenant (GDPR Art. 4(1)). Its identifier is personal data."""

    tenant: str
    subject_id: str

    def key(self) -> bytes:
        """The Kafka record key: tenant, 0x1F, subject, in UTF-8."""
        return self.tenant.encode() + KEY_SEPARATOR + self.subject_id.encode()

    def __repr__(self) -> str:
        """Show the tenant only."""
        return f"Subject({self.tenant!r}, …)"


@dataclass(frozen=True, slots=True, repr=False)
class MaskedText:
    """Text in which every detected or schema-marked value is a token.

    Only ``streamgate.vault`` makes one from raw text, and egress makes one from a request that vault wrote; the provider port
    accepts nothing else.
    """

    text: str

    def __repr__(self) -> str:
        """Show the length only: what no detector found would otherwise stand in a log."""
        return f"MaskedText({len(self.text)} characters)"


ChatRole = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class MaskedMessage:
    """One message as the provider gets it."""

    role: ChatRole
    content: MaskedText
    tool_call_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Parameters:
    """Sampling parameters of a chat completion; ``None`` leaves the provider's default."""

    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Inbound:
    """One record as it was read: raw bytes and where they stood."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Show the place only."""
        return f"Inbound({self.topic}-{self.partition}@{self.offset}, {len(self.value or b'')} bytes)"

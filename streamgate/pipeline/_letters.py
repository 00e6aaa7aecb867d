"""Dead letters: how they are written, what proves that vault wrote one, and which of them may be replayed."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from streamgate.audit import AuditFact
from streamgate.codec import Schema, encode
from streamgate.errors import Code
from streamgate.pipeline._original import Original, letter_aad
from streamgate.pipeline._publish import AuditWriter
from streamgate.pipeline.ports.stage import Output
from streamgate.types import Inbound, Topic
from streamgate.vault import DeadLetterSealer, StateSealer

REPLAYED_TOPICS: Final = frozenset({Topic.PROMPTS, Topic.PROMPTS_BULK, Topic.CONSENTS, Topic.SUBJECT_REQUESTS})
"""What producers and operators write. Everything else is between the roles, and what it was about has ended otherwise."""
REPLAYED_CODES: Final = frozenset(
    {Code.NOT_AVRO, Code.UNKNOWN_SCHEMA, Code.SCHEMA_NOT_APPROVED, Code.UNDECODABLE, Code.INTERNAL_ERROR},
)
"""Nothing was read, so nobody was answered; and what was wrong may have been mended on our side. All others ended a record for good."""
LARGEST_REPLAY_BYTES: Final = 1_000_000
"""Of an original: with our headers and Kafka's frame it fits an input topic, also where its producer had compressed it."""
_PROVEN: Final = (
    "code",
    "role",
    "topic",
    "source_partition",
    "source_offset",
    "at",
    "lettered_at",
    "reference",
    "size_bytes",
    "epoch",
    "sealed",
)
"""Every field but the proof; the order is part of the format."""


def proof_of(sealer: StateSealer, letter: Mapping[str, Any]) -> bytes:
    """16 bytes that only vault can make: the letter stands as vault wrote it. Whoever can write to the topic could seal any original."""
    return sealer.digest(b"letter", *(_bytes_of(letter[name]) for name in _PROVEN))


def proven(sealer: StateSealer, letter: Mapping[str, Any]) -> bool:
    """Whether vault wrote it, and nobody has changed it since."""
    return letter["proof"] is not None and hmac.compare_digest(letter["proof"], proof_of(sealer, letter))


def obstacle(letter: Mapping[str, Any], now_ms: int, retention_ms: int | None) -> Code | None:
    """Why a letter cannot be replayed, as far as it can be told without a key; ``None`` where vault may be asked.

    A letter past its retention is as good as gone, also while the broker still has it: what is remembered of replays goes too.
    """
    if letter["topic"] not in REPLAYED_TOPICS or letter["code"] not in REPLAYED_CODES:
        return Code.LETTER_NOT_REPLAYABLE
    if letter["proof"] is None:
        return Code.LETTER_UNPROVEN
    if retention_ms is not None and letter["lettered_at"] + retention_ms <= now_ms:
        return Code.LETTER_EXPIRED
    return Code.LETTER_TOO_LARGE if letter["size_bytes"] > LARGEST_REPLAY_BYTES else None


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Seals what could not be processed, so that only vault can look at it again."""

    schema: Schema
    sealer: DeadLetterSealer
    audit: AuditWriter
    prove: Callable[[Mapping[str, Any]], bytes] | None = None
    """Vault's; the other roles have no key to prove anything with."""

    def outputs(self, record: Inbound, code: Code, reference: bytes | None = None) -> tuple[Output, Output]:
        """The dead letter and the audit event about it."""
        sealed = self.sealer.seal(Original.of(record).to_bytes(), letter_aad(record.topic, record.partition, record.offset))
        letter: dict[str, Any] = {
            "code": code.value,
            "role": self.audit.role.value,
            "topic": record.topic,
            "source_partition": record.partition,
            "source_offset": record.offset,
            "at": record.timestamp_ms,
            "lettered_at": self.audit.clock.now_ms(),
            "reference": reference,
            "size_bytes": len(record.value or b""),
            "epoch": self.sealer.epoch,
            "sealed": sealed,
        }
        letter["proof"] = None if self.prove is None else self.prove(letter)
        return (
            Output(Topic.DEAD_LETTERS, reference, encode(self.schema, letter)),
            self.audit.output(AuditFact.DEAD_LETTERED, code=code.value, reference=reference),
        )


def _bytes_of(value: bytes | str | int | None) -> bytes:
    """With its type, so that no two values of a field look alike."""
    if value is None:
        return b"n"
    if isinstance(value, int):
        return b"i" + value.to_bytes(8, "big", signed=True)
    return b"s" + value.encode() if isinstance(value, str) else b"b" + value

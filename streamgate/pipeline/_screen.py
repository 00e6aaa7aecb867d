"""What the policy says of a prompt before anything in it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from streamgate.consent import Policy, Purpose
from streamgate.errors import Code
from streamgate.minimise import Envelope
from streamgate.types import ModelRef

SEED: Final = 0x9747B28C
MIX: Final = 0x5BD1E995
MASK32: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Route:
    """Where the response goes and until when; ``refusal`` where the policy does not let the prompt through."""

    purpose: Purpose | None
    model: str = field(repr=False)
    reply_topic: str = field(repr=False)
    deadline_ms: int
    refusal: Code | None = None
    batch: bool = False
    """It goes by the provider's batches."""


def screen(envelope: Envelope, policy: Policy, arrived_ms: int) -> Route | Code:
    """A route, or the code of a prompt whose tenant or reply topic is not to be trusted with a full response."""
    tenant = policy.tenant(envelope.subject.tenant)
    if tenant is None:
        return Code.UNKNOWN_TENANT
    reply_topic = envelope.reply_topic or tenant.reply_topics[0]
    if reply_topic not in tenant.reply_topics:
        return Code.REPLY_TOPIC_NOT_ALLOWED
    purpose = policy.purpose(envelope.purpose)
    if purpose is None or tenant.name not in purpose.tenants:
        return Route(None, "", reply_topic, arrived_ms, Code.UNKNOWN_PURPOSE)
    model = purpose.models[0] if envelope.model is None else ModelRef.parse(envelope.model).name
    batch = envelope.batch and purpose.batch
    default, longest = (purpose.batch_deadline_seconds,) * 2 if batch else (purpose.deadline_seconds, purpose.max_deadline_seconds)
    wanted = envelope.deadline_at_ms if envelope.deadline_at_ms is not None else arrived_ms + round(default * 1000)
    deadline_ms = min(wanted, arrived_ms + round(longest * 1000))
    refusal = None if model in purpose.models else Code.UNKNOWN_MODEL
    if envelope.batch and not purpose.batch:
        refusal = Code.BATCH_NOT_ALLOWED  # never sent another way: whoever marked it counts on the price
    return Route(purpose, model, reply_topic, deadline_ms, refusal, batch)


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's Java client gives a key: its home modulo the partition count."""
    return home_of(key) % partitions


def home_of(key: bytes) -> int:
    """Murmur2 of a key, made positive: what its partition is, whatever the partition count."""
    return _murmur2(key) & 0x7FFFFFFF


def _murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits, with Kafka's seed (``org.apache.kafka.common.utils.Utils.murmur2``)."""
    length = len(data)
    h = (SEED ^ length) & MASK32
    whole = length - length % 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * MIX & MASK32
        k ^= k >> 24
        h = (h * MIX & MASK32) ^ (k * MIX & MASK32)
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * MIX & MASK32
    h ^= h >> 13
    h = h * MIX & MASK32
    return h ^ (h >> 15)

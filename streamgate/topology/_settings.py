"""How one role's runtime is sized and timed. Not where settings are read: the composition root fills this in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streamgate.topology._watch import WatchLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSettings:
    """Sizes and times of one worker."""

    partitions: int
    """Partition count of every input topic; pinned for the life of an installation."""
    embedded: bool = False
    """The demo's broker: no idempotent producer, a join that takes the whole rebalance timeout."""
    pool: int = 32
    """Records of one input topic that are prepared at once."""
    pools: Mapping[str, int] = field(default_factory=dict)
    """Another number for single topics, by logical name."""
    batch: int = 100
    """Decisions that are carried out together."""
    decide_seconds: float = 0.05
    """A batch ends after this time, so that deciding never holds up the event loop for long."""
    record_seconds: float = 900.0
    """After this a record counts as poisoned."""
    drain_seconds: float = 5.0
    """How long work in flight may take to finish when partitions are revoked or the worker stops; must be below the session timeout."""
    give_up_seconds: float = 40.0
    """What Kafka has not taken by then stops the worker; below the transaction timeout."""
    transaction_seconds: float = 50.0
    """Kafka aborts a transaction that has been open for so long. Until then it hides later records from committed readers."""
    commit_seconds: float = 0.5
    """How often offsets are committed, or, where they are part of transactions, reported."""
    sweep_seconds: float = 1.0
    """How often each partition is swept."""
    tend_seconds: float = 60.0
    """How often the store of rows does what it has to do in the background."""
    fresh_seconds: float = 0.3
    """How often the ends of the topics that freshness watches are asked for."""
    watermark_seconds: float = 0.5
    """How often a watermark is published."""
    ask_seconds: float = 5.0
    """How often the broker is asked something, to see that it answers."""
    watch: WatchLimits = field(default_factory=WatchLimits)
    in_flight_bytes: int = 64 * 1024 * 1024
    """Records in flight, all partitions together; beyond this no partition is read on."""
    max_request_bytes: int = 4_000_000
    """Largest request of the producer; below the topics' ``max.message.bytes`` (a rejected record poisons an idempotent producer)."""
    fetch_wait_ms: int = 50
    """Longest wait of a fetch. The embedded broker does not wake a waiting fetch when data arrives."""
    session_seconds: float = 6.0
    heartbeat_seconds: float = 1.0
    rebalance_seconds: float = 10.0
    request_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class TopicNames:
    """Logical to physical topic names and back; reply topics of the policy have the prefix too."""

    prefix: str

    def physical(self, name: str) -> str:
        """The name at the broker."""
        return self.prefix + name

    def logical(self, name: str) -> str:
        """The name without our prefix."""
        return name.removeprefix(self.prefix)

    def state(self, role: str) -> str:
        """The changelog of a role's state."""
        return f"{self.prefix}{role}-state"

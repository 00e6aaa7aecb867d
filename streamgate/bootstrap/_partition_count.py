"""How many partitions the topics have: one count, or two while it is being changed."""

from __future__ import annotations

from dataclasses import dataclass

from streamgate.adapters.kafka_topics import LAST, KafkaTopics
from streamgate.bootstrap._installation import Installation
from streamgate.errors import Code, ConfigError, OperationRefused
from streamgate.types import Topic


@dataclass(frozen=True, slots=True)
class Change:
    """From one partition count to a higher one."""

    before: int
    after: int
    begun: bool
    """Whether some topics have the new count already."""


def partitioned(installation: Installation) -> tuple[str, ...]:
    """Every topic that has the installation's partition count."""
    return tuple(topic.name for topic in installation.topics() if topic.name != installation.prefix + Topic.BUDGET)


async def change_to(installation: Installation, topics: KafkaTopics, to: int) -> Change | None:
    """What is to be done, ``None`` where nothing is; raise ``OperationRefused`` or ``ConfigError`` where it cannot be."""
    names = partitioned(installation)
    counts = await topics.counts(names)
    problems = [f"{name}: does not exist; run `streamgate topics apply`" for name in names if name not in counts]
    if problems:
        raise ConfigError(tuple(problems))
    before = counts[installation.prefix + LAST]
    problems = [
        f"{name}: has {count} partitions, others have {before}; delete it or add partitions"
        for name, count in counts.items()
        if count < before
    ]
    if problems:
        raise ConfigError(tuple(problems))
    begun = set(counts.values()) - {before}
    if begun and begun != {to}:
        raise _unfinished(before, max(begun))
    if to < before:
        raise OperationRefused(Code.PARTITIONS_FEWER, f"there are {before}")
    return None if to == before else Change(before, to, bool(begun))


async def refuse_half_changed(installation: Installation, topics: KafkaTopics) -> None:
    """Raise ``OperationRefused`` where a change of the partition count has begun and not ended: nobody's rows are where they belong."""
    counts = await topics.counts(partitioned(installation))
    before = counts.get(installation.prefix + LAST)
    if before is not None and max(counts.values()) > before:
        raise _unfinished(before, max(counts.values()))


def _unfinished(before: int, after: int) -> OperationRefused:
    return OperationRefused(Code.REPARTITION_UNFINISHED, f"from {before} to {after}")

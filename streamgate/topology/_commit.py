"""Carrying out a batch of decisions on one partition: the one place where a worker writes.

:class:`Commit` is the interface; :class:`AtLeastOnce` is the form without transactions. A transactional form (KIP-98: rows, outputs and
input offsets in one transaction per partition number) fits in the same place: it would also own ``offsets``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.pipeline.ports.stage import Effects, Row
from streamgate.topology._settings import TopicNames


@dataclass(frozen=True, slots=True)
class Batch:
    """Decisions on one partition, in the order in which they were made."""

    partition: int
    effects: tuple[Effects, ...]
    offsets: tuple[tuple[str, int], ...]
    """Logical topic and offset of each record decided here; sweeps have none."""


class Commit(Protocol):
    """Makes a batch durable."""

    async def carry_out(self, batch: Batch) -> tuple[Row, ...]:
        """Return every row written, in order, once Kafka has all of the batch; raise and leave the partition to a restart otherwise."""
        ...


class AtLeastOnce:
    """Rows, then outputs, then the rows that record the outputs' offsets; each acknowledged before the next.

    A crash in between repeats the decision from the rows that got through. It does not fence: a worker that was stopped and wakes up may
    still write.
    """

    def __init__(self, publisher: KafkaPublisher, names: TopicNames, state_topic: str | None, give_up_seconds: float) -> None:
        """``state_topic`` is the physical changelog; ``None`` for a role without state."""
        self._publisher = publisher
        self._names = names
        self._state_topic = state_topic
        self._give_up_seconds = give_up_seconds

    async def carry_out(self, batch: Batch) -> tuple[Row, ...]:
        """See :class:`Commit`."""
        rows = tuple(row for effects in batch.effects for row in effects.rows)
        await self._write_rows(batch.partition, rows)
        outputs = [output for effects in batch.effects for output in effects.outputs]
        offsets = await self._publisher.publish(
            [Publication(self._names.physical(o.topic), batch.partition, o.key, o.value) for o in outputs], self._give_up_seconds
        )
        settled = tuple(output.settle(offset) for output, offset in zip(outputs, offsets, strict=True) if output.settle is not None)
        await self._write_rows(batch.partition, settled)
        return rows + settled

    async def _write_rows(self, partition: int, rows: Sequence[Row]) -> None:
        if not rows:
            return
        if self._state_topic is None:
            raise TypeError("a role without state may not write rows")
        topic = self._state_topic
        await self._publisher.publish([Publication(topic, partition, row.key, row.value) for row in rows], self._give_up_seconds)

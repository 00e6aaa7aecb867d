"""Carrying out a batch of decisions on one partition: the one place where a worker writes, its watermarks apart.

:class:`Transactional` is how it is done. :class:`AtLeastOnce` is for the embedded broker, which has no transactions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.pipeline.ports.stage import Effects, Output, Row
from streamgate.topology._fence import Fences
from streamgate.topology._progress import Progress
from streamgate.topology._settings import TopicNames


@dataclass(frozen=True, slots=True)
class Batch:
    """Decisions on one partition, in the order in which they were made."""

    partition: int
    effects: tuple[Effects, ...]
    progress: Mapping[str, Progress]
    """By logical input topic, what is done once this batch is. Topics of which it decides no record are not in it."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every row that does not wait for an offset."""
        return tuple(row for effects in self.effects for row in effects.rows)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Every output."""
        return tuple(output for effects in self.effects for output in effects.outputs)


@dataclass(frozen=True, slots=True)
class Written:
    """What a batch has put into the changelog."""

    rows: tuple[Row, ...]
    """In order."""
    position: int | None
    """After the last of them; ``None`` where there are none."""


class Commit(Protocol):
    """Makes a batch durable."""

    async def carry_out(self, batch: Batch) -> Written:
        """Return what was written once Kafka has all of the batch; raise and leave the partition to a restart otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Places:
    """Which physical topics a role writes to."""

    names: TopicNames
    state_topic: str | None
    """The physical changelog; ``None`` for a role without state."""

    def of_outputs(self, batch: Batch) -> list[Publication]:
        """Where outputs go."""
        return [Publication(self.names.physical(o.topic), batch.partition, o.key, o.value, o.headers) for o in batch.outputs]

    def of_rows(self, batch: Batch, rows: Iterable[Row]) -> list[Publication]:
        """Where rows go."""
        return [Publication(self._state(), batch.partition, row.key, row.value) for row in rows]

    def _state(self) -> str:
        if self.state_topic is None:
            raise TypeError("a role without state may not write rows")
        return self.state_topic


class Transactional:
    """Rows, outputs and the progress of the input in one transaction of the partition number (KIP-98).

    Whoever reads committed sees all of it or nothing, and nothing of a worker that has lost the partition.
    """

    def __init__(self, fences: Fences, places: Places, group: str, give_up_seconds: float) -> None:
        """``group`` is the consumer group of the role."""
        self._fences = fences
        self._places = places
        self._group = group
        self._give_up_seconds = give_up_seconds

    async def carry_out(self, batch: Batch) -> Written:
        """See :class:`Commit`."""
        outputs = self._places.of_outputs(batch)
        # A row that an offset will replace in the same transaction need not be written before.
        waiting = {output.settle.key for output in batch.outputs if output.settle is not None}
        rows = tuple(row for row in batch.rows if row.key not in waiting)
        settled: list[Row] = []

        def settle(offsets: Sequence[int]) -> list[Publication]:
            settled.extend(_settled(batch, offsets[: len(outputs)]))
            return self._places.of_rows(batch, settled)

        topics = self._places.names
        progress = {(topics.physical(topic), batch.partition): (p.position, p.metadata()) for topic, p in batch.progress.items()}
        records = [*outputs, *self._places.of_rows(batch, rows)]
        offsets = await self._fences.of(batch.partition).commit(records, settle, self._group, progress, self._give_up_seconds)
        return Written((*rows, *settled), _after(offsets[len(outputs) :]))


class AtLeastOnce:
    """Rows, then outputs, then the rows that record the outputs' offsets; each acknowledged before the next.

    A crash in between repeats the decision from the rows that got through. It does not fence: a worker that was stopped and wakes up may
    still write.
    """

    def __init__(self, publisher: KafkaPublisher, places: Places, give_up_seconds: float) -> None:
        """``publisher`` need not have started yet."""
        self._publisher = publisher
        self._places = places
        self._give_up_seconds = give_up_seconds

    async def carry_out(self, batch: Batch) -> Written:
        """See :class:`Commit`."""
        first = await self._write(self._places.of_rows(batch, batch.rows))
        settled = _settled(batch, await self._write(self._places.of_outputs(batch)))
        last = await self._write(self._places.of_rows(batch, settled))
        return Written((*batch.rows, *settled), _after([*first, *last]))

    async def _write(self, records: Sequence[Publication]) -> list[int]:
        return await self._publisher.publish(records, self._give_up_seconds)


def _settled(batch: Batch, offsets: Sequence[int]) -> list[Row]:
    """Rows that record where outputs stand."""
    return [output.settle.row(offset) for output, offset in zip(batch.outputs, offsets, strict=True) if output.settle is not None]


def _after(offsets: Sequence[int]) -> int | None:
    return max(offsets) + 1 if offsets else None

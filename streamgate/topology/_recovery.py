"""Reads a role's state back before any record of its partitions is worked on.

Not by Faust's tables: their recovery ends at once where an earlier one ended less than five seconds before, waits for ever where the last
offset is a transaction marker, and takes what a cut-off recovery left in its queue for the newest row. Here a reader of its own goes by
positions. It is also where a fence belongs: before the end of the state topic is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import Any, Protocol

from aiokafka.errors import KafkaError
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_head import read_all
from streamgate.pipeline.ports.stage import Row
from streamgate.topology._state import RowStore

_PAUSE_SECONDS = 0.5
_AT_ONCE = 1_000


class StateRecovery:
    """The rows of the partitions that are owned, as of the end of their topic."""

    def __init__(self, connection: KafkaConnection, topic: str, rows: RowStore, *, embedded: bool) -> None:
        """Nothing is owned. The embedded broker's ends are too low to go on from the middle: there each reading begins at the beginning."""
        self._connection = connection
        self._topic = topic
        self._rows = rows
        self._embedded = embedded

    async def recover(self, partitions: Iterable[int], wanted: Callable[[], bool]) -> None:
        """Hold the rows of exactly these partitions. Comes back early when not ``wanted`` any more; waits for a broker that is away.

        A partition of which rows are held is read on from their position: what this worker has written since comes again, in its order, and
        changes nothing.
        """
        owned = frozenset(partitions)
        self._rows.keep_only(frozenset() if self._embedded else owned)
        while wanted():
            try:
                if await self._read(owned, wanted):
                    return
            except (KafkaError, OSError, TimeoutError):
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _read(self, partitions: frozenset[int], wanted: Callable[[], bool]) -> bool:
        starts = {partition: position for partition in partitions if (position := self._rows.position(partition)) is not None}
        # A position that is not in the log is of another topic of this name, and so are the rows.
        records = read_all(self._connection, self._topic, partitions, starts, self._rows.drop)
        read: dict[int, tuple[list[Row], int]] = {}
        async with aclosing(records):
            async for record in records:
                if not wanted():
                    break
                rows, _ = read.get(record.partition, ([], 0))
                if record.key is not None:
                    rows.append(Row(record.key, record.value))
                read[record.partition] = rows, record.offset + 1
                if len(rows) >= _AT_ONCE:
                    self._rows.apply(record.partition, *read.pop(record.partition))
        for partition, rows_and_position in read.items():
            self._rows.apply(partition, *rows_and_position)
        return wanted()


class RecoveringApp(Protocol):
    """What the shell around Faust's recovery needs of its app."""

    async def recover(self) -> None:
        """Read the state of what is assigned now."""
        ...


class _OwnRecovery(Recovery):
    """Faust without tables goes straight on to its streams; this reads our state before."""

    async def _resume_streams(self, generation_id: int = 0) -> None:
        app: Any = self.app
        recovering: RecoveringApp = app
        await recovering.recover()
        await super()._resume_streams(generation_id)


class OwnTableManager(TableManager):
    """A table manager without tables."""

    @property
    def recovery(self) -> Recovery:
        """The recovery service."""
        if self._recovery is None:
            self._recovery = _OwnRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

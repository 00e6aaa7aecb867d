"""Faust's table, store and recovery, bent to our rules.

* The table is never written through Faust: its changelog sends are not awaited and carry no fence. ``_commit`` writes the changelog.
* The store keeps rows per partition: Faust's in-memory store has one map for all, where equal keys of two partitions collide.
* Recovery ends by position. Faust waits for the record at high water − 1, which never comes where that is a transaction marker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import faust
from faust.stores import memory
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP
from mode import Service

from streamgate.topology._state import Rows

_LOOK_SECONDS = 0.1
_EQUAL_LOOKS = 3


class RowStore(memory.Store[bytes, bytes]):
    """Feeds recovered rows into :class:`Rows`."""

    table: StateTable

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:  # noqa: ARG002
        """Rows are raw bytes: Faust's conversions are not used."""
        for event in batch:
            message = event.message
            if message.key is not None:
                self.table.rows.apply(message.partition, message.key, message.value)

    async def on_recovery_completed(self, active_tps: set[Any], standby_tps: set[Any]) -> None:  # noqa: ARG002
        """Drop the rows of partitions that are not ours any more."""
        self.table.rows.keep_only(tp.partition for tp in active_tps)


class StateTable(faust.Table[bytes, bytes]):
    """The role's state as Faust sees it: something to recover, nothing to write."""

    rows: Rows
    topic_name: str

    def send_changelog(self, *_: Any, **__: Any) -> Any:
        """Refuse."""
        raise RuntimeError("state is written by the committer only")

    def _serializer_from_type(self, typ: Any) -> str:  # noqa: ARG002
        return "raw"  # Faust's own choice is JSON for anything that is no model

    def _changelog_topic_name(self) -> str:
        return self.topic_name

    def _new_store(self) -> RowStore:
        return RowStore(
            "memory://",
            self.app,
            self,
            table_name=self.name,
            key_type=self.key_type,
            value_type=self.value_type,
            key_serializer=self.key_serializer,
            value_serializer=self.value_serializer,
            loop=self.loop,
        )


class PositionRecovery(Recovery):
    """Recovered when the consumer's position has passed the end, whatever the last record is."""

    @Service.task
    async def _watch_positions(self) -> None:
        seen: dict[Any, tuple[int, Any, int]] = {}
        while not self.should_stop:
            await self.sleep(_LOOK_SECONDS)
            if not self.in_recovery:
                seen.clear()
                continue
            for tp, highwater in list(self.active_highwaters.items()):
                offset = self.active_offsets.get(tp)
                if highwater is None or offset is None or offset >= highwater:
                    continue
                await self._look(tp, highwater, offset, seen)
            self._maybe_end()

    async def _look(self, tp: TP, highwater: int, offset: int, seen: dict[Any, tuple[int, Any, int]]) -> None:
        try:
            position = await asyncio.wait_for(self.app.consumer.position(tp), 5.0)
        except Exception:  # noqa: BLE001  revoked meanwhile or the broker is away: look again
            seen.pop(tp, None)
            return
        if position is None or position <= highwater or not self.tables.changelog_queue.empty():
            seen.pop(tp, None)
            return
        looks, *last = seen.get(tp, (0, None, -1))
        looks = looks + 1 if tuple(last) == (offset, position) else 1
        seen[tp] = (looks, offset, position)
        if looks >= _EQUAL_LOOKS:  # nothing more can come before the end
            self.active_offsets[tp] = highwater

    def _maybe_end(self) -> None:
        complete = all(tp in self.active_highwaters and self.active_offsets.get(tp) is not None for tp in self.active_tps)
        if self.in_recovery and self.active_highwaters and complete and not self.need_recovery():
            self.flush_buffers()
            self._set_recovery_ended()
            self.signal_recovery_end.set()


class PositionTableManager(TableManager):
    """Faust's table manager with :class:`PositionRecovery`."""

    @property
    def recovery(self) -> PositionRecovery:
        """The recovery service."""
        if not isinstance(self._recovery, PositionRecovery):
            self._recovery = PositionRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

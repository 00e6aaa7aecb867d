"""Faust's Kafka consumer, bent to our rules: what is read is committed records only, and what is committed is the ledger's position."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Transport
from faust.types import TP

from streamgate.topology._progress import Progress

if TYPE_CHECKING:
    from streamgate.topology._app import RoleFaustApp

_POLL_SECONDS = 0.2


class _NoOffsets(dict[Any, Any]):
    """Faust's own record of what it has read, always empty: the ledger decides what was read before."""

    def __getitem__(self, key: Any) -> None:
        return None


class StrictThread(AIOKafkaConsumerThread):
    """The thread in which aiokafka's consumer runs."""

    app: RoleFaustApp

    def __post_init__(self) -> None:
        """Note the last offset handed out per topic partition."""
        super().__post_init__()
        self.delivered: dict[Any, int] = {}

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # All are read when the consumer starts; Faust has no setting for them, and without tables its assignor would not keep the input
        # topics of a partition number together.
        consumer._partition_assignment_strategy = (self.app.assignor,)  # noqa: SLF001
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        consumer._fetch_max_wait_ms = self.app.settings.fetch_wait_ms  # noqa: SLF001
        return consumer

    async def _fetch_records(self, consumer: Any, active_partitions: Any, timeout: Any = None, max_records: Any = None) -> Any:  # noqa: ASYNC109
        records = await super()._fetch_records(consumer, active_partitions, timeout=timeout, max_records=max_records)
        for tp, batch in records.items():
            if batch:
                self.delivered[tp] = batch[-1].offset
        return records

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's livelock detector looks at acknowledgements it is not given; ``RoleApp.ready`` looks at the ledgers instead."""

    async def progress(self, tp: TP) -> tuple[int, int]:
        """Position of the consumer and the last offset it has handed out (−1: none), both at the same moment."""
        result: tuple[int, int] = await self.call_thread(self._progress, tp)
        return result

    async def _progress(self, tp: TP) -> tuple[int, int]:
        position = await self._ensure_consumer().position(tp)
        return position, self.delivered.get(tp, -1)

    async def seek_here(self, tp: TP, offset: int) -> None:
        """Read on at an offset. In this thread: from another one, a fetch that is just ending would set the position back."""
        await self.call_thread(self._seek_here, tp, offset)

    async def _seek_here(self, tp: TP, offset: int) -> None:
        with suppress(IllegalStateError):  # it was taken away meanwhile
            self._ensure_consumer().seek(TopicPartition(*tp), offset)

    async def commit_progress(self, progress: Mapping[TP, Progress]) -> bool:
        """Commit outside a transaction. What fails for now is tried again at the next tick; what is refused for good ends the worker."""
        done: bool = await self.call_thread(self._commit_progress, progress)
        return done

    async def _commit_progress(self, progress: Mapping[TP, Progress]) -> bool:
        consumer = self._ensure_consumer()
        mine = {
            TopicPartition(*tp): OffsetAndMetadata(each.position, each.metadata())
            for tp, each in progress.items()
            if tp in self.assignment()
        }
        if not mine:
            return False
        try:
            await asyncio.wait_for(consumer.commit(mine), self.app.settings.request_seconds)
        except (CommitFailedError, IllegalStateError, TimeoutError):
            return False  # rebalanced meanwhile, or the broker is slow: nothing is lost by committing less
        except KafkaError as error:
            if not error.retriable:
                await self.crash(error)
            return False
        return True

    async def committed_progress(self, places: Collection[TP]) -> dict[TP, Progress]:
        """What the group has committed, by topic partition; those without are left out."""
        found: dict[TP, Progress] = await self.call_thread(self._committed_progress, places)
        return found

    async def _committed_progress(self, places: Collection[TP]) -> dict[TP, Progress]:
        # aiokafka gives out the offset only; its coordinator has the metadata too.
        coordinator = self._ensure_consumer()._coordinator  # noqa: SLF001
        found = await coordinator.fetch_committed_offsets([TopicPartition(*tp) for tp in places])
        return {TP(*tp): Progress.read(each.offset, each.metadata) for tp, each in found.items() if each.offset >= 0}


class StrictConsumer(Consumer):
    """Asks the app's runtime what may be committed, and drains it when partitions are revoked."""

    app: RoleFaustApp
    _thread: StrictThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """See :class:`_NoOffsets`."""
        super().__init__(*args, **kwargs)
        self._read_offset = _NoOffsets()

    def _new_consumer_thread(self) -> StrictThread:
        return StrictThread(self, loop=self.loop, beacon=self.beacon)

    async def progress(self, tp: TP) -> tuple[int, int]:
        """See :meth:`StrictThread.progress`."""
        return await self._thread.progress(tp)

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109
        """As Faust's, but a partition that was paused or resumed is noticed soon."""
        if self.flow_active and not self._get_active_partitions():
            await self.sleep(_POLL_SECONDS / 4)
            return {}, set()
        return await super()._wait_next_records(min(timeout, _POLL_SECONDS))

    async def commit_progress(self, progress: Mapping[TP, Progress]) -> bool:
        """See :meth:`StrictThread.commit_progress`."""
        return await self._thread.commit_progress(progress)

    async def perform_seek(self) -> None:
        """Open the ledgers at what is committed, and begin to read there."""
        generation = self.app.consumer_generation_id
        places = {tp for tp in self.assignment() if tp.topic in self.app.input_topics}
        committed = await self._thread.committed_progress(places)
        # Where nothing was committed, reading begins at the log's beginning: the ledger must know it to see a gap at the first record.
        fresh = places - committed.keys()
        begins = await self.earliest_offsets(*fresh) if fresh else {}
        if generation != self.app.consumer_generation_id:
            return  # rebalanced meanwhile: these offsets are of no use
        starts = committed | {TP(*tp): Progress(offset or 0) for tp, offset in begins.items()}
        for tp, start in starts.items():
            self.app.opened(generation, tp.topic, tp.partition, start)
        # Records that were handed out before their ledger was open were dropped, perhaps the last ones there are: they come again.
        for tp, start in starts.items():
            if generation == self.app.consumer_generation_id:
                await self.seek(tp, start.position)

    async def _seek(self, partition: TP, offset: int) -> None:
        await self._thread.seek_here(partition, offset)

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002
        """Commit what the ledgers say, nothing else."""
        return await self.app.commit_ledgers()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop the flow, drain, commit; only then may Faust forget the partitions."""
        self.stop_flow()
        self.app.flow_control.suspend()
        self.app.flow_control.clear()
        await self.app.drain_revoked()
        self._buffered_partitions.clear()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Records may come again."""
        self._thread.delivered.clear()
        self.app.runtime.assigned()
        await super().on_partitions_assigned(assigned, generation_id)


class StrictTransport(Transport):
    """Faust's transport with our consumer."""

    Consumer = StrictConsumer

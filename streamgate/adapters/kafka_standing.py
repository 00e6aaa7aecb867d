"""What egress knows of standing: implements ``streamgate.pipeline.ports.standing.StandingView`` over the whole standing topic, in memory.

Every worker reads every partition, from the beginning, without a group: which requests a worker gets has nothing to do with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_head import manual_consumer
from streamgate.errors import StreamgateError

_RETRY_SECONDS: Final = 0.5
W = TypeVar("W")


class StandingRecord(NamedTuple):
    """One record of the standing topic, decoded."""

    kind: Literal["watermark", "forbidden"]
    reference: bytes | None
    """``None`` in a watermark."""
    purpose: str | None
    """``None``: all purposes."""
    consents_offset: int
    at_ms: int


class StandingReader(Generic[W]):
    """Reads for as long as it runs; a broker that is away makes watermarks old, and nobody may be called then."""

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        partitions: int,
        *,
        decode: Callable[[bytes], StandingRecord],
        watermark: Callable[[int, int], W],
    ) -> None:
        """``topic`` is the physical name; ``watermark`` makes the port's value from time (ms) and consents offset."""
        self._connection = connection
        self._places = [TopicPartition(topic, partition) for partition in range(partitions)]
        self._decode = decode
        self._make = watermark
        self._watermarks: dict[int, tuple[int, int]] = {}
        self._forbidden: dict[tuple[int, bytes, str | None], int] = {}
        self._unreadable: set[int] = set()
        self._changed = asyncio.Event()
        self._caught_up = False
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether the topic was read to its end once, and all of it could be read. Otherwise nothing can be said about anybody."""
        reading = self._task is not None and not self._task.done()
        return reading and self._caught_up and not self._unreadable

    async def start(self) -> None:
        """Begin to read in the background."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def watermark(self, partition: int) -> W | None:
        """See the port. ``None`` as well until everything that is forbidden has been read."""
        found = None if partition in self._unreadable else self._watermarks.get(partition)
        return self._make(*found) if found is not None and self._caught_up else None

    def forbidden_at(self, partition: int, reference: bytes, purpose: str) -> int | None:
        """See the port."""
        found = [self._forbidden.get((partition, reference, name)) for name in (purpose, None)]
        return max((offset for offset in found if offset is not None), default=None)

    async def changed(self, timeout_seconds: float) -> None:
        """See the port."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._changed.wait()

    async def _run(self) -> None:
        while True:
            consumer = manual_consumer(self._connection, "streamgate-standing")
            try:
                await consumer.start()
                await self._read(consumer)
            except (KafkaError, OSError):
                await asyncio.sleep(_RETRY_SECONDS)  # from the beginning again: what is known is only added to
            finally:
                await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        consumer.assign(self._places)
        await consumer.seek_to_beginning(*self._places)
        ends = await consumer.end_offsets(self._places)
        waiting = set(self._places)
        while True:
            batches = await consumer.getmany(timeout_ms=200)
            for place, records in batches.items():
                for record in records:
                    self._learn(place.partition, record)
            for place in tuple(waiting):
                if await consumer.position(place) >= max(ends[place], consumer.last_stable_offset(place) or 0):
                    waiting.discard(place)
            self._caught_up = self._caught_up or not waiting
            if batches:
                changed, self._changed = self._changed, asyncio.Event()
                changed.set()

    def _learn(self, partition: int, record: Any) -> None:
        if record.value is None:
            return  # compaction's business: what was forbidden for a reference stays so while this worker lives
        try:
            standing = self._decode(record.value)
        except StreamgateError:
            self._unreadable.add(partition)  # it may forbid something: nobody on this partition is called any more
            return
        if standing.kind == "watermark":
            self._watermarks[partition] = (standing.at_ms, standing.consents_offset)
        elif standing.reference is not None:
            place = (partition, standing.reference, standing.purpose)
            self._forbidden[place] = max(standing.consents_offset, self._forbidden.get(place, -1))

"""Reads a whole topic into memory and follows it, without a group: every worker knows everything that stands in it.

Which partitions a worker owns has nothing to do with it. Committed records only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_head import inbound, manual_consumer
from streamgate.errors import StreamgateError
from streamgate.types import Inbound

_RETRY_SECONDS: Final = 0.5


class WholeTopic:
    """Reads for as long as it runs; from the beginning again after a failure, so what is learned must bear being learned twice."""

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        partitions: int,
        learn: Callable[[Inbound], None],
        *,
        client_id: str,
        looked: Callable[[], None] = lambda: None,
    ) -> None:
        """``topic`` is the physical name. ``learn`` raises ``StreamgateError`` for a record that it cannot read.

        ``looked`` is called several times a second, whether there was something new or not.
        """
        self._connection = connection
        self._places = [TopicPartition(topic, partition) for partition in range(partitions)]
        self._learn = learn
        self._client_id = client_id
        self._looked = looked
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.caught_up = False
        """Whether it was read to its end once."""
        self.unreadable: set[int] = set()
        """Partitions with a record that could not be read."""

    @property
    def ready(self) -> bool:
        """Whether it was read to its end once, and all of it could be read."""
        reading = self._task is not None and not self._task.done()
        return reading and self.caught_up and not self.unreadable

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

    async def changed(self, timeout_seconds: float) -> None:
        """Return when something new was read, or when the time ran out."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._changed.wait()

    async def _run(self) -> None:
        while True:
            consumer = manual_consumer(self._connection, self._client_id)
            try:
                await consumer.start()
                await self._read(consumer)
            except (KafkaError, OSError):
                await asyncio.sleep(_RETRY_SECONDS)
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
                    try:
                        self._learn(inbound(record))
                    except StreamgateError:
                        self.unreadable.add(place.partition)
            for place in tuple(waiting):
                if await consumer.position(place) >= max(ends[place], consumer.last_stable_offset(place) or 0):
                    waiting.discard(place)
            self.caught_up = self.caught_up or not waiting
            self._looked()
            if batches:
                changed, self._changed = self._changed, asyncio.Event()
                changed.set()

"""Single records by their place: implements ``streamgate.pipeline.ports.archive.Archive`` over one consumer, connected when first asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_head import inbound, manual_consumer
from streamgate.errors import Code, Unavailable
from streamgate.types import Inbound


class KafkaArchive:
    """One question at a time."""

    def __init__(self, connection: KafkaConnection, prefix: str, seconds: float = 10.0) -> None:
        """Not connected yet. ``seconds`` bounds one question."""
        self._connection = connection
        self._prefix = prefix
        self._seconds = seconds
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()

    async def stop(self) -> None:
        """Close the connection, if there is one."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def read(self, topic: str, partition: int, offset: int) -> Inbound | None:
        """See the port."""
        place = TopicPartition(self._prefix + topic, partition)
        async with self._asked() as consumer:
            consumer.assign([place])
            first, end = (await consumer.beginning_offsets([place]))[place], (await consumer.end_offsets([place]))[place]
            if not first <= offset < end:
                return None
            consumer.seek(place, offset)
            while await consumer.position(place) <= offset:
                batches = await consumer.getmany(place, timeout_ms=100, max_records=1)
                for record in batches.get(place, []):
                    # A hole of compaction or a marker: what comes next stands elsewhere.
                    return replace(inbound(record), topic=topic) if record.offset == offset else None
        return None

    async def first(self, topic: str, partition: int) -> int:
        """See the port."""
        place = TopicPartition(self._prefix + topic, partition)
        async with self._asked() as consumer:
            return int((await consumer.beginning_offsets([place]))[place])

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[AIOKafkaConsumer]:
        """The consumer, for one question; what goes wrong with it is ``Unavailable``, and the next question connects anew."""
        try:
            async with self._lock, asyncio.timeout(self._seconds), self._connected() as consumer:
                yield consumer
        except (KafkaError, OSError, TimeoutError) as error:
            await self.stop()
            raise Unavailable(Code.BROKER_UNAVAILABLE, type(error).__name__) from None

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AIOKafkaConsumer]:
        if self._consumer is None:
            consumer = manual_consumer(self._connection, "streamgate-archive")
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        yield self._consumer

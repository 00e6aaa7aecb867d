"""Follows the responses while a run is on: how many prompts have ended, and which are still waited for."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streamgate.adapters.kafka_head import manual_consumer
from streamgate.bootstrap import Installation
from streamgate.demo.soak._options import PARTITIONS
from streamgate.types import Topic


class Progress:
    """``async with Progress(installation) as progress``."""

    def __init__(self, made: Installation) -> None:
        """Nothing has ended yet."""
        self.ended: set[str] = set()
        """Event ids that have a response."""
        self._made = made
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to follow."""
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        places = [TopicPartition(self._made.prefix + Topic.RESPONSES, number) for number in range(PARTITIONS)]
        decoder = self._made.decoder()
        consumer = manual_consumer(self._made.connection(), "streamgate-soak")
        await consumer.start()
        try:
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            while True:
                try:
                    batches = await consumer.getmany(timeout_ms=500)
                except KafkaError:
                    await asyncio.sleep(0.5)  # the broker is down, perhaps on purpose
                    continue
                for record in (record for batch in batches.values() for record in batch):
                    self.ended.add((await decoder.decode(Topic.RESPONSES, record.value)).record["event_id"])
        finally:
            await consumer.stop()

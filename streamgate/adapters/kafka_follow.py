"""Follows a topic without a consumer group: from its beginning or from its end on, for ever. Committed records only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import TopicPartition

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_head import inbound, manual_consumer
from streamgate.types import Inbound


@asynccontextmanager
async def following(
    connection: KafkaConnection, topic: str, partitions: int, *, from_beginning: bool = False
) -> AsyncIterator[AsyncIterator[Inbound]]:
    """Stands at its place in every partition when the block is entered: what is published afterwards is seen."""
    places = [TopicPartition(topic, number) for number in range(partitions)]
    consumer = manual_consumer(connection)
    await consumer.start()
    try:
        consumer.assign(places)
        if from_beginning:
            await consumer.seek_to_beginning(*places)
        else:
            for place, end in (await consumer.end_offsets(places)).items():
                consumer.seek(place, end)

        async def records() -> AsyncIterator[Inbound]:
            async for record in consumer:
                yield inbound(record)

        yield records()
    finally:
        await consumer.stop()

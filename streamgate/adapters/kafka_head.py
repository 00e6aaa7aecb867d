"""Reads topics without a consumer group: the last record of a partition, or everything there is now. Committed records only."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.types import Inbound

_FETCH_WAIT_MS: Final = 50


def manual_consumer(
    connection: KafkaConnection, client_id: str = "streamgate-reader", fetch_wait_ms: int = _FETCH_WAIT_MS
) -> AIOKafkaConsumer:
    """A consumer without a group, reading committed, from wherever it is told."""
    return AIOKafkaConsumer(
        **connection.client_options(),
        client_id=client_id,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=fetch_wait_ms,
    )


def inbound(record: Any) -> Inbound:
    """An aiokafka record as our own value; the topic keeps its physical name."""
    headers = dict(record.headers or ())
    return Inbound(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, headers)


@asynccontextmanager
async def _started(connection: KafkaConnection) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = manual_consumer(connection)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def read_head(connection: KafkaConnection, topic: str, partition: int) -> Inbound | None:
    """The last record of a topic partition, or ``None`` where it is empty. Markers and compaction may leave holes before the end."""
    place = TopicPartition(topic, partition)
    async with _started(connection) as consumer:
        consumer.assign([place])
        first = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        back = 1
        while end > first:
            begin = max(first, end - back)
            consumer.seek(place, begin)
            last: Inbound | None = None
            async for record in _until(consumer, {place: end}):
                last = inbound(record)
            if last is not None or begin == first:
                return last
            back *= 8
    return None


async def read_all(
    connection: KafkaConnection,
    topic: str,
    partitions: Iterable[int] | None = None,
    starts: Mapping[int, int] | None = None,
    outside: Callable[[int], None] = lambda _: None,
) -> AsyncGenerator[Inbound]:
    """Every record to the ends as they are now; in order within a partition, partitions interleaved.

    ``starts`` are offsets to begin at, by partition; where none is given, or it is not in the log, reading begins at the beginning.
    ``outside`` hears of each partition whose start is not in the log, before anything is read.
    """
    async with _started(connection) as consumer:
        if partitions is None:
            partitions = await _partitions_of(consumer, topic)
        places = [TopicPartition(topic, partition) for partition in partitions]
        if not places:
            return
        consumer.assign(places)
        first, last = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        begins = {place: (starts or {}).get(place.partition, first[place]) for place in places}
        for place, begin in begins.items():
            if not first[place] <= begin <= last[place]:
                outside(place.partition)
                begins[place] = first[place]
            consumer.seek(place, begins[place])
        ends = {place: last[place] for place in places if last[place] > begins[place]}
        consumer.pause(*(place for place in places if place not in ends))
        async for record in _until(consumer, ends):
            yield inbound(record)


async def _partitions_of(consumer: AIOKafkaConsumer, topic: str) -> list[int]:
    consumer.assign([TopicPartition(topic, 0)])  # makes the client fetch the topic's metadata
    await consumer._client.force_metadata_update()  # noqa: SLF001  the public way needs a subscription, which needs a group
    return sorted(consumer.partitions_for_topic(topic) or ())


async def _until(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> AsyncIterator[Any]:
    """Records until every position has reached its end. The embedded broker reports too low an end; its first fetch corrects that."""
    ends = dict(ends)
    corrected: set[TopicPartition] = set()
    while ends:
        batches = await consumer.getmany(*ends, timeout_ms=_FETCH_WAIT_MS * 4)
        for place, records in batches.items():
            if place not in corrected:
                corrected.add(place)
                ends[place] = max(ends[place], consumer.last_stable_offset(place) or 0)
            for record in records:
                yield record
        for place in tuple(ends):
            if await consumer.position(place) >= ends[place]:
                del ends[place]

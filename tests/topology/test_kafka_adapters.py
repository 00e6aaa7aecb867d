"""Topics, readers, standing and publishing against real brokers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from streamgate.adapters.kafka_archive import KafkaArchive
from streamgate.adapters.kafka_head import read_all, read_head
from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.adapters.kafka_standing import StandingReader, StandingRecord
from streamgate.adapters.kafka_topics import KafkaTopics, topic_plan
from streamgate.errors import Code, Unavailable, Unreadable
from streamgate.pipeline.ports.standing import Watermark
from tests.fixtures_kafka import Broker
from tests.topology.toy import MakeWorker, RealClock, ToyStage, make_topics, send, until


@asynccontextmanager
async def transactional(broker: Broker, name: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(**broker.connection.client_options(), transactional_id=name)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def test_topics_are_made_checked_and_deleted(broker: Broker, prefix: str) -> None:
    """Making them twice is harmless; another partition count is reported and not applied."""
    plan = topic_plan(prefix, partitions=2, replication=1, reply_topics=[prefix + "crm.answers"])
    async with KafkaTopics(broker.connection) as topics:
        assert all(problem.endswith("does not exist") for problem in await topics.check(plan, configs=False))
        assert set(await topics.apply(plan)) == {topic.name for topic in plan}
        assert await topics.apply(plan) == ()
        assert await topics.check(plan, configs=not broker.embedded) == []
        other = topic_plan(prefix, partitions=3, replication=1)
        problems = await topics.check(other, configs=False)
        assert len(problems) == sum(topic.partitions == 3 for topic in other)  # budget has one, always
        assert all("has 2 partitions, the settings say 3" in problem for problem in problems)
        await topics.apply(other)
        assert await topics.check(plan, configs=False) == []
        await topics.delete(topic.name for topic in plan)
        async with asyncio.timeout(20):
            while await topics.existing(topic.name for topic in plan):
                pass
        await topics.delete([plan[0].name])


@pytest.mark.kafka
async def test_a_changed_setting_of_a_topic_is_reported(kafka: Broker, prefix: str) -> None:
    """By its name, with both values."""
    async with KafkaTopics(kafka.connection) as topics:
        await topics.apply(topic_plan(prefix, partitions=1, replication=1))
        changed = topic_plan(prefix, partitions=1, replication=1, max_message_bytes=500_000)
        problems = await topics.check(changed)
    assert len(problems) == len(changed)
    assert f"{prefix}prompts: max.message.bytes is 1048588, planned is 500000" in problems


async def test_everything_there_is_now_is_read_in_order(broker: Broker, prefix: str) -> None:
    """And the head of a partition is its last record; of an empty one there is none."""
    await make_topics(broker, prefix)
    topic = prefix + "audit"
    assert await read_head(broker.connection, topic, 0) is None
    assert [record async for record in read_all(broker.connection, topic)] == []
    await send(broker, topic, [b"%d" % i for i in range(50)], partition=0)
    await send(broker, topic, [b"x"], partition=1)
    found = [record async for record in read_all(broker.connection, topic)]
    assert [record.value for record in found if record.partition == 0] == [b"%d" % i for i in range(50)]
    assert [record.value async for record in read_all(broker.connection, topic, [1])] == [b"x"]
    head = await read_head(broker.connection, topic, 0)
    assert head is not None
    assert (head.topic, head.offset, head.value) == (topic, 49, b"49")


@pytest.mark.kafka
async def test_what_is_not_committed_is_not_there(kafka: Broker, prefix: str, make_worker: MakeWorker) -> None:
    """Aborted records are neither head nor content, and markers at the end hold nobody up: reader, recovery or freshness."""
    await make_topics(kafka, prefix)
    topic = prefix + "consents"
    async with transactional(kafka, prefix + "x") as producer:
        async with producer.transaction():
            await producer.send_and_wait(topic, b"real", partition=0)
            await producer.send_and_wait(prefix + "vault-state", b"1", key=b"n:real", partition=0)
        for _ in range(3):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"aborted", partition=0)
            await producer.send_and_wait(prefix + "vault-state", b"2", key=b"n:real", partition=0)
            await producer.abort_transaction()
    head = await read_head(kafka.connection, topic, 0)
    assert head is not None
    assert head.value == b"real"
    assert [record.value async for record in read_all(kafka.connection, topic)] == [b"real"]
    worker = make_worker(kafka, prefix, ToyStage("consents"), ToyStage("subject-requests"))
    await worker.app.start()
    assert await worker.app.wait_ready(20)
    assert await worker.links.freshness.wait(0, RealClock().now_ms(), 20)
    assert worker.links.rows.get(0, b"n:real") == b"2"
    assert [r.value async for r in read_all(kafka.connection, prefix + "responses")] == [b"done:real"]
    await worker.app.stop()


def decode(data: bytes) -> StandingRecord:
    if data == b"rubbish":
        raise Unreadable(Code.NOT_AVRO)
    kind, reference, purpose, offset, at_ms = data.decode().split("|")
    if kind == "w":
        return StandingRecord("watermark", None, None, int(offset), int(at_ms))
    return StandingRecord("forbidden", reference.encode(), purpose or None, int(offset), int(at_ms))


async def test_standing_is_known_after_it_was_read_to_its_end(broker: Broker, prefix: str) -> None:
    """The last watermark of each partition, also where a clock was set back in between; who forbids one purpose forbids that one, who forbids all forbids each."""
    await make_topics(broker, prefix)
    topic = prefix + "standing"
    await send(broker, topic, [b"w|||3|1000", b"f|ann|ads|4|1001", b"w|||5|2000", b"w|||4|1500", None], partition=0)
    reader = StandingReader(broker.connection, topic, 2, decode=decode, watermark=Watermark, clock=RealClock())
    assert reader.watermark(0) is None
    await reader.start()
    await until(lambda: reader.ready)
    assert (reader.watermark(0), reader.watermark(1)) == (Watermark(1500, 4), None)
    assert [reader.forbidden_at(0, b"ann", purpose) for purpose in ("ads", "support")] == [4, None]
    changed = asyncio.create_task(reader.changed(30))
    await send(broker, topic, [b"f|ann||9|3000"], partition=0)
    await changed
    await until(lambda: reader.forbidden_at(0, b"ann", "support") == 9)
    assert reader.forbidden_at(0, b"ann", "ads") == 9
    assert reader.forbidden_at(1, b"ann", "ads") is None
    assert reader.apart_ms == 0  # of what was written before it began nothing can be told
    await send(broker, topic, [f"w|||6|{RealClock().now_ms() - 60_000}".encode()], partition=1)
    await until(lambda: 60_000 <= reader.apart_ms < 90_000)
    await send(broker, topic, [b"rubbish", b"w|||6|4000"], partition=0)
    await until(lambda: reader.watermark(0) is None and not reader.ready)
    await reader.stop()


@pytest.mark.kafka
async def test_a_rejected_record_does_not_poison_the_records_after_it(kafka: Broker, prefix: str) -> None:
    """Kafka refuses a record without key on a compacted topic; an idempotent producer would fail all later ones too."""
    await make_topics(kafka, prefix)
    publisher = KafkaPublisher(kafka.connection)
    await publisher.start()
    good = Publication(prefix + "standing", 0, b"k", b"good")
    with pytest.raises(Unavailable):
        await publisher.publish([good, Publication(prefix + "standing", 0, None, b"no key")], 1.0)
    assert await publisher.publish([good, good], 10.0)
    await publisher.abandon()
    assert await publisher.publish([good], 10.0)
    await publisher.stop()
    with pytest.raises(Unavailable):
        await publisher.publish([good], 1.0)


@pytest.mark.kafka
async def test_a_record_that_kafka_does_not_take_is_unavailable_in_time(kafka: Broker) -> None:
    """Here because its topic does not exist."""
    publisher = KafkaPublisher(kafka.connection)
    await publisher.start()
    with pytest.raises(Unavailable):
        await publisher.publish([Publication("missing", 0, None, b"x")], 0.5)
    await publisher.stop()


async def test_a_single_record_is_found_by_its_place(broker: Broker, prefix: str) -> None:
    """With its key and value; beyond the end, and where nothing stands, there is none."""
    await make_topics(broker, prefix)
    await send(broker, prefix + "audit", [b"%d" % i for i in range(20)], partition=1)
    archive = KafkaArchive(broker.connection, prefix)
    try:
        found = [await archive.read("audit", 1, offset) for offset in (7, 0, 19, 20)]
        assert await archive.read("audit", 0, 0) is None
    finally:
        await archive.stop()
    assert [record and (record.topic, record.partition, record.offset, record.value) for record in found] == [
        ("audit", 1, 7, b"7"),
        ("audit", 1, 0, b"0"),
        ("audit", 1, 19, b"19"),
        None,
    ]


@pytest.mark.kafka
async def test_what_was_aborted_is_not_in_the_archive(kafka: Broker, prefix: str) -> None:
    """Nor is a transaction's marker taken for a record."""
    await make_topics(kafka, prefix)
    async with transactional(kafka, prefix + "t") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(prefix + "audit", b"aborted", partition=0)
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(prefix + "audit", b"committed", partition=0)
    archive = KafkaArchive(kafka.connection, prefix)
    try:
        found = [await archive.read("audit", 0, offset) for offset in range(4)]
    finally:
        await archive.stop()
    assert [record and record.value for record in found] == [None, None, b"committed", None]


@pytest.mark.kafka
async def test_what_retention_has_removed_lies_before_the_first_record(kafka: Broker, prefix: str) -> None:
    """So it can be told from what never was."""
    await make_topics(kafka, prefix)
    await send(kafka, prefix + "audit", [b"%d" % i for i in range(20)], partition=1)
    archive = KafkaArchive(kafka.connection, prefix)
    admin = AIOKafkaAdminClient(**kafka.connection.client_options())
    await admin.start()
    try:
        before = await archive.first("audit", 1)
        await admin.delete_records({TopicPartition(prefix + "audit", 1): RecordsToDelete(before_offset=15)})
        assert (before, await archive.first("audit", 1), await archive.first("audit", 0)) == (0, 15, 0)
        found = [await archive.read("audit", 1, offset) for offset in (14, 15)]
        assert [record and record.value for record in found] == [None, b"15"]
    finally:
        await archive.stop()
        await admin.close()

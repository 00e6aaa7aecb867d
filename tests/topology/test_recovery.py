"""State is read back from its topic: all of it, for the partitions that are owned, before anything is decided."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.pipeline.ports.stage import Row
from streamgate.topology import DiskRows, Rows, RowStore
from streamgate.topology._recovery import StateRecovery
from tests.fixtures_kafka import Broker
from tests.topology.toy import PARTITIONS, RealClock, make_topics


async def write(broker: Broker, topic: str, *rows: tuple[int, bytes, bytes | None]) -> None:
    publisher = KafkaPublisher(broker.connection, embedded=broker.embedded)
    await publisher.start()
    await publisher.publish([Publication(topic, partition, key, value) for partition, key, value in rows], 20.0)
    await publisher.stop()


def held(rows: RowStore) -> dict[int, dict[bytes, bytes]]:
    return {partition: dict(rows.scan(partition, b"")) for partition in (0, 1)}


async def test_rows_are_those_of_the_topic_and_of_what_is_owned(broker: Broker, prefix: str) -> None:
    """The last value of each key; tombstones remove; equal keys of two partitions are two rows; what is lost is dropped, and read anew."""
    await make_topics(broker, prefix)
    topic, rows = prefix + "vault-state", Rows()
    await write(broker, topic, (0, b"a", b"1"), (1, b"a", b"other"), (0, b"b", b"1"), (0, b"a", b"2"), (0, b"b", None))
    recovery = StateRecovery(broker.connection, topic, rows, embedded=broker.embedded)
    await recovery.recover({0, 1}, lambda: True)
    assert held(rows) == {0: {b"a": b"2"}, 1: {b"a": b"other"}}
    await recovery.recover({1}, lambda: True)
    assert held(rows) == {0: {}, 1: {b"a": b"other"}}
    await write(broker, topic, (0, b"a", None), (1, b"c", b"3"))
    await recovery.recover({0, 1}, lambda: True)
    assert held(rows) == {0: {}, 1: {b"a": b"other", b"c": b"3"}}


@pytest.mark.kafka
async def test_a_transactions_marker_at_the_end_holds_nothing_up(kafka: Broker, prefix: str) -> None:
    """No record ever shows the last offset; what was aborted is no row."""
    await make_topics(kafka, prefix)
    topic, rows = prefix + "vault-state", Rows()
    producer = AIOKafkaProducer(**kafka.connection.client_options(), transactional_id=prefix + "writer")
    await producer.start()
    async with producer.transaction():
        await producer.send(topic, b"1", key=b"a", partition=0)
    await producer.begin_transaction()
    await producer.send(topic, b"2", key=b"a", partition=0)
    await producer.flush()
    await producer.abort_transaction()
    await producer.stop()
    async with asyncio.timeout(20):
        await StateRecovery(kafka.connection, topic, rows, embedded=False).recover({0, 1}, lambda: True)
    assert held(rows) == {0: {b"a": b"1"}, 1: {}}


async def test_a_recovery_that_is_not_wanted_any_more_ends(embedded: Broker, prefix: str) -> None:
    """A rebalance in between cuts it off; the next one reads on and misses nothing."""
    await make_topics(embedded, prefix)
    topic, rows = prefix + "vault-state", Rows()
    await write(embedded, topic, *((0, b"%d" % number, b"x") for number in range(50)))
    recovery = StateRecovery(embedded.connection, topic, rows, embedded=True)
    looks = iter(range(100))
    await recovery.recover({0}, lambda: next(looks) < 11)
    assert 0 < rows.count() < 50
    await recovery.recover({0}, lambda: True)
    assert rows.count() == 50


@pytest.mark.kafka
async def test_rows_on_the_disk_are_read_on_from_where_they_are(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Also after a restart; rows of a topic of this name that is no more are dropped."""
    await make_topics(kafka, prefix)
    topic, rows = prefix + "vault-state", DiskRows(tmp_path, RealClock(), PARTITIONS)
    rows.open()
    await write(kafka, topic, (0, b"a", b"1"), (1, b"a", b"other"))
    await StateRecovery(kafka.connection, topic, rows, embedded=False).recover({0, 1}, lambda: True)
    rows.close()
    await write(kafka, topic, (0, b"b", b"2"), (0, b"a", None))
    rows.open()
    assert held(rows) == {0: {b"a": b"1"}, 1: {b"a": b"other"}}
    rows.apply(1, [Row(b"only here", b"")])  # shows that the partition is not read from its beginning
    await StateRecovery(kafka.connection, topic, rows, embedded=False).recover({0, 1}, lambda: True)
    assert held(rows) == {0: {b"b": b"2"}, 1: {b"a": b"other", b"only here": b""}}
    rows.apply(1, [], 1_000)
    await StateRecovery(kafka.connection, topic, rows, embedded=False).recover({0, 1}, lambda: True)
    assert held(rows) == {0: {b"b": b"2"}, 1: {b"a": b"other"}}
    rows.close()

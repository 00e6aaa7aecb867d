"""One worker of the delivery benchmark, in a process of its own: started as a module with kind, bootstrap, prefix and partitions.

Each kind answers every record of ``prompts`` with itself on ``responses``. What differs is what it promises.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import dataclass

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faust.worker import Worker

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.system import SystemClock
from streamgate.pipeline.ports.stage import Effects, Output, StateView
from streamgate.telemetry import Fact
from streamgate.topology import Links, RoleApp, RuntimeSettings
from streamgate.types import Inbound, Topic

_BATCH_BYTES = 256 * 1024
_RECORDS = 500


async def bare(bootstrap: str, prefix: str) -> None:
    """Consume, produce, await, commit. A crash repeats a batch; there is no state and no fence."""
    consumer = AIOKafkaConsumer(
        prefix + Topic.PROMPTS,
        bootstrap_servers=bootstrap,
        group_id=prefix + "bare",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all", max_batch_size=_BATCH_BYTES)
    await consumer.start()
    await producer.start()
    while True:
        batches = await consumer.getmany(timeout_ms=200, max_records=_RECORDS)
        records = [record for batch in batches.values() for record in batch]
        sent = [await producer.send(prefix + Topic.RESPONSES, r.value, key=r.key, partition=r.partition) for r in records]
        await asyncio.gather(*sent)
        if sent:
            await consumer.commit()


def stock(bootstrap: str, prefix: str, partitions: int) -> None:
    """Faust as it comes. It acknowledges before the broker has the output."""
    app = faust.App(
        prefix + "stock",
        broker=f"kafka://{bootstrap}",
        store="memory://",
        topic_partitions=partitions,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        datadir=tempfile.mkdtemp(prefix="streamgate-bench-"),
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
        producer_max_batch_size=_BATCH_BYTES,
    )
    source = app.topic(prefix + Topic.PROMPTS, key_serializer="raw", value_serializer="raw", partitions=partitions)
    answers = app.topic(prefix + Topic.RESPONSES, key_serializer="raw", value_serializer="raw", partitions=partitions)

    async def echo(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            await answers.send(key=event.key, value=event.value, partition=event.message.partition)

    app.agent(source)(echo)
    Worker(app, loglevel="ERROR").execute_from_commandline()


@dataclass(frozen=True, slots=True)
class _Echo:
    """A decision without state."""

    record: Inbound

    def decide(self, partition: int, state: StateView) -> Effects:
        del partition, state
        return Effects(outputs=(Output(Topic.RESPONSES, self.record.key, self.record.value),))


@dataclass(frozen=True, slots=True)
class _EchoStage:
    """The stage that makes them."""

    topic: str = Topic.PROMPTS
    ordered: bool = False

    async def prepare(self, record: Inbound) -> _Echo:
        return _Echo(record)

    def poisoned(self, record: Inbound) -> _Echo:
        return _Echo(record)


class _Deaf:
    """Implements ``Telemetry``."""

    def emit(self, fact: Fact) -> None:
        """Nobody listens."""


async def streamgate(bootstrap: str, prefix: str, partitions: int) -> None:
    """Our delivery path: fenced transactions, recovered state, nothing lost and nothing twice."""
    app = RoleApp(
        "vault",
        KafkaConnection(bootstrap=bootstrap),
        prefix,
        prefix + "vault",
        stages=(_EchoStage(),),
        links=Links.unbound(),
        telemetry=_Deaf(),
        clock=SystemClock(),
        settings=RuntimeSettings(partitions=partitions),
    )
    await app.start()
    await app.wait_failed()


def main(kind: str, bootstrap: str, prefix: str, partitions: int) -> None:
    """Run until killed."""
    if kind == "stock":
        stock(bootstrap, prefix, partitions)
    elif kind == "bare":
        asyncio.run(bare(bootstrap, prefix))
    else:
        asyncio.run(streamgate(bootstrap, prefix, partitions))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))

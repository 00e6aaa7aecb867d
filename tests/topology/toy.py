"""A stage and a worker that are easy to reason about: the state counts records and remembers each, every record is answered."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest_asyncio

from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.adapters.kafka_topics import KafkaTopics, topic_plan
from streamgate.effects import Clock
from streamgate.pipeline.ports.stage import Effects, Output, Prepared, Row, Settle, StateView, Sweep
from streamgate.topology import Links, RoleApp, RowStore, RuntimeSettings
from streamgate.types import Inbound
from tests.fakes.telemetry import FakeTelemetry
from tests.fixtures_kafka import Broker

PARTITIONS = 2
POISON, SLOW, DECIDE_POISON = b"poison", b"slow", b"decide-poison"


class RealClock:
    """Implements ``streamgate.effects.Clock``."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(frozen=True)
class Counted:
    """Counts per value, so that what was decided twice shows."""

    record: Inbound
    answer: bytes = b"done:"

    def decide(self, partition: int, state: StateView) -> Effects:
        value = self.record.value or b"-"
        if self.answer == b"done:" and value == DECIDE_POISON:
            raise ValueError("a bug in a stage")
        times = int(state.get(b"n:" + value) or b"0") + 1
        output = Output("responses", self.record.key, self.answer + value, Settle(b"o:" + value, lambda offset: b"%d" % offset))
        return Effects(rows=(Row(b"n:" + value, b"%d" % times),), outputs=(output,))


@dataclass
class ToyStage:
    """Takes a random moment for each record; raises on poison; waits for ``release`` on a slow one."""

    topic: str = "prompts"
    ordered: bool = False
    release: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: bool = False

    async def prepare(self, record: Inbound) -> Prepared:
        if record.value == POISON:
            raise KeyError("a bug in a stage")
        if record.value == SLOW:
            await self.release.wait()
        if not self.hurry:
            await asyncio.sleep(random.uniform(0.0, 0.03))  # noqa: S311  what interleaves is the point
        return Counted(record)

    def poisoned(self, record: Inbound) -> Prepared:
        return Counted(record, b"poisoned:")


def watermark(partition: int, at_ms: int, consents_offset: int) -> tuple[bytes, bytes]:
    return b"w%d" % partition, b"%d:%d" % (at_ms, consents_offset)


@dataclass
class Worker:
    """A role with what its test wants to look at."""

    app: RoleApp
    links: Links
    telemetry: FakeTelemetry


def build_worker(
    broker: Broker,
    prefix: str,
    *stages: Any,
    sweep: Sweep | None = None,
    watermarks: bool = False,
    clock: Clock | None = None,
    role: type[RoleApp] = RoleApp,
    rows: RowStore | None = None,
    **settings: Any,
) -> Worker:
    links, telemetry = Links.unbound(rows), FakeTelemetry()
    app = role(
        "vault",
        broker.connection,
        prefix,
        prefix + "vault",
        stages=stages or (ToyStage(),),
        links=links,
        telemetry=telemetry,
        clock=clock or RealClock(),
        settings=RuntimeSettings(**{"partitions": PARTITIONS, "embedded": broker.embedded} | settings),
        sweep=sweep,
        watermark=watermark if watermarks else None,
    )
    return Worker(app, links, telemetry)


class MakeWorker(Protocol):
    """See :func:`build_worker`."""

    def __call__(self, broker: Broker, prefix: str, *stages: Any, **settings: Any) -> Worker: ...


@pytest_asyncio.fixture
async def make_worker() -> AsyncIterator[MakeWorker]:
    """Workers that are stopped when the test ends, however it ends: Faust's tasks would outlive the event loop."""
    made: list[Worker] = []

    def make(broker: Broker, prefix: str, *stages: Any, **settings: Any) -> Worker:
        made.append(build_worker(broker, prefix, *stages, **settings))
        return made[-1]

    yield make
    for worker in made:
        await worker.app.stop()


async def make_topics(broker: Broker, prefix: str, partitions: int = PARTITIONS) -> None:
    async with KafkaTopics(broker.connection) as topics:
        await topics.apply(topic_plan(prefix, partitions=partitions, replication=1))


async def send(broker: Broker, topic: str, values: list[bytes | None], partition: int | None = None) -> None:
    """Publish values; record ``i`` goes to partition ``i % PARTITIONS`` unless one is given."""
    publisher = KafkaPublisher(broker.connection, embedded=broker.embedded)
    await publisher.start()
    places = [i % PARTITIONS if partition is None else partition for i in range(len(values))]
    await publisher.publish([Publication(topic, p, b"k", v) for p, v in zip(places, values, strict=True)], 20.0)
    await publisher.stop()


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition; fail when it does not come true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  the conditions are the worker's state, not events
            await asyncio.sleep(0.02)

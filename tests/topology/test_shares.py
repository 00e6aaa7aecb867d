"""Replicas that share a limit over a topic of a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from streamgate.adapters.kafka_shares import KafkaShares
from streamgate.adapters.kafka_topics import KafkaTopics, topic_plan
from streamgate.adapters.system import SystemEntropy
from streamgate.codec import SchemaSet, packaged_schemas
from streamgate.provider import Amount, Need
from streamgate.telemetry import WorkersShare
from streamgate.types import Topic
from tests.fakes.telemetry import FakeTelemetry
from tests.fixtures_kafka import Broker
from tests.topology.toy import RealClock, send, until

LIMIT = Amount(100, 100_000)
NAME = "model:m"
SCHEMA = SchemaSet.load(packaged_schemas()).latest(Topic.BUDGET)


class Replica:
    """One of them, which wants as much as its test says."""

    def __init__(self, broker: Broker, prefix: str) -> None:
        self.waiting = Amount()
        self.telemetry = FakeTelemetry()
        self.shares = KafkaShares(
            broker.connection,
            prefix + Topic.BUDGET,
            SCHEMA,
            needs=self.needs,
            changed=lambda: None,
            telemetry=self.telemetry,
            clock=RealClock(),
            entropy=SystemEntropy(),
            fetch_wait_ms=50 if broker.embedded else 500,
        )

    def needs(self, now: float) -> Mapping[str, Need]:
        del now
        return {NAME: Need(LIMIT, (), self.waiting, Amount(1, 1000).at_most(self.waiting))}

    def wants(self, requests: int) -> None:
        self.waiting = Amount(requests, requests * 1000)
        self.shares.want()

    @property
    def held(self) -> Amount:
        return self.shares.holds(NAME, RealClock().monotonic())


@asynccontextmanager
async def running(broker: Broker, prefix: str) -> AsyncIterator[Replica]:
    """A replica that knows what the others hold."""
    replica = Replica(broker, prefix)
    await replica.shares.start()
    try:
        await until(lambda: replica.shares.ready)
        yield replica
    finally:
        await replica.shares.stop()


@pytest.fixture
async def place(broker: Broker, prefix: str) -> str:
    """A prefix whose topics were made."""
    async with KafkaTopics(broker.connection) as topics:
        await topics.apply(topic_plan(prefix, partitions=1, replication=1))
    return prefix


def half(replica: Replica) -> Callable[[], bool]:
    """Whether it holds half of the limit, but for what does not divide evenly."""
    return lambda: 48 <= replica.held.requests <= 52


async def test_a_limit_is_shared_by_demand_and_given_back(broker: Broker, place: str) -> None:
    """One alone holds all it can use; two that want all hold half each; what one does not want, or leaves behind, the other holds."""
    async with running(broker, place) as one:
        one.wants(500)
        await until(lambda: one.held == LIMIT)
        async with running(broker, place) as other:
            other.wants(500)
            await until(half(other))
            await until(half(one))
            assert LIMIT.covers(one.held + other.held)
            other.wants(0)
            await until(lambda: one.held.requests > 90)
            assert LIMIT.covers(one.held + other.held)
            other.wants(500)
            await until(half(other))
        await until(lambda: one.held == LIMIT)
        assert [fact.workers for fact in one.telemetry.of(WorkersShare)][-1] == 1


async def test_what_is_no_announcement_says_nothing(broker: Broker, place: str) -> None:
    """Another writer on the topic disturbs nobody."""
    async with running(broker, place) as one:
        one.wants(500)
        await until(lambda: one.held == LIMIT)
        await send(broker, place + Topic.BUDGET, [b"\x00no announcement", None], partition=0)
        async with running(broker, place) as other:
            other.wants(500)
            await until(half(other))
            await until(half(one))

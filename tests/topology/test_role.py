"""One role on a real broker: what is read is decided, in order where asked, and nothing one record does disturbs another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from streamgate.adapters.kafka_head import read_all
from streamgate.errors import Unavailable
from streamgate.pipeline.ports.stage import Effects, Output, Prepared, Row, StateView
from streamgate.telemetry import Committed, StageFailed
from tests.fixtures_kafka import Broker
from tests.topology.toy import DECIDE_POISON, PARTITIONS, POISON, SLOW, MakeWorker, RealClock, ToyStage, Worker, make_topics, send, until


async def values(broker: Broker, topic: str, *partitions: int) -> list[bytes]:
    return [record.value or b"" async for record in read_all(broker.connection, topic, partitions or None)]


def counts(worker: Worker) -> dict[bytes, int]:
    """How often each value was decided, by the committed state."""
    rows = (worker.links.rows.scan(partition, b"n:") for partition in range(PARTITIONS))
    return {key[2:]: int(value) for found in rows for key, value in found}


async def test_every_record_is_decided_once_and_its_state_is_recovered(broker: Broker, prefix: str, make_worker: MakeWorker) -> None:
    """300 records on two partitions: each answered once, with the offset of its answer; a second worker recovers exactly that state."""
    await make_topics(broker, prefix)
    wanted = [b"%d" % i for i in range(300)]
    worker = make_worker(broker, prefix)
    await worker.app.start()
    assert await worker.app.wait_ready(30)
    await send(broker, prefix + "prompts", list(wanted))
    await until(lambda: len(counts(worker)) == 300)
    await until(lambda: bool(worker.telemetry.of(Committed)))
    await worker.app.stop()
    assert counts(worker) == dict.fromkeys(wanted, 1)
    assert sorted(await values(broker, prefix + "responses")) == sorted(b"done:" + value for value in wanted)
    answered = {(r.partition, r.offset): r.value async for r in read_all(broker.connection, prefix + "responses")}
    for partition in range(PARTITIONS):
        for key, offset in worker.links.rows.scan(partition, b"o:"):
            assert answered[partition, int(offset)] == b"done:" + key[2:]

    second = make_worker(broker, prefix)
    await second.app.start()
    assert await second.app.wait_ready(40)
    for partition in range(PARTITIONS):
        assert list(second.links.rows.scan(partition, b"")) == list(worker.links.rows.scan(partition, b""))
    await send(broker, prefix + "prompts", [b"0", b"new"])
    await until(lambda: counts(second).get(b"new") == 1)
    await second.app.stop()
    assert counts(second)[b"0"] == 2
    assert sum(counts(second).values()) == 302


async def test_what_raises_is_poisoned_and_nothing_else_is_disturbed(embedded: Broker, prefix: str, make_worker: MakeWorker) -> None:
    """A stage that raises in prepare, in decide, or hangs past the limit: that record ends as poisoned, all others as usual."""
    await make_topics(embedded, prefix)
    worker = make_worker(embedded, prefix, record_seconds=1.0)
    await worker.app.start()
    assert await worker.app.wait_ready(30)
    await send(embedded, prefix + "prompts", [b"a", POISON, b"b", DECIDE_POISON, SLOW, None, b"c"], partition=0)
    await until(lambda: sum(counts(worker).values()) == 7)
    await worker.app.stop()
    assert set(await values(embedded, prefix + "responses")) == {
        *(b"done:a", b"done:b", b"done:c", b"done:-"),
        *(b"poisoned:poison", b"poisoned:decide-poison", b"poisoned:slow"),
    }
    assert sorted(fact.error for fact in worker.telemetry.of(StageFailed)) == ["KeyError", "TimeoutError", "ValueError"]


async def test_an_ordered_stage_is_decided_by_offset(embedded: Broker, prefix: str, make_worker: MakeWorker) -> None:
    """Although records are prepared at once and finish in any order."""
    await make_topics(embedded, prefix)
    wanted: list[bytes | None] = [b"%03d" % i for i in range(150)]
    worker = make_worker(embedded, prefix, ToyStage(ordered=True))
    await send(embedded, prefix + "prompts", wanted, partition=1)
    await worker.app.start()
    await until(lambda: len(counts(worker)) == 150)
    await worker.app.stop()
    assert await values(embedded, prefix + "responses") == [b"done:" + (value or b"") for value in wanted]


@pytest.mark.kafka
async def test_a_slow_record_holds_up_no_other_and_is_redone_after_a_stop(kafka: Broker, prefix: str, make_worker: MakeWorker) -> None:
    """The head of a partition hangs: later ones are answered; a new worker takes up the head again, and nothing that was done."""
    await make_topics(kafka, prefix)
    stage = ToyStage()
    worker = make_worker(kafka, prefix, stage, drain_seconds=0.3)
    await worker.app.start()
    assert await worker.app.wait_ready(30)
    await send(kafka, prefix + "prompts", [SLOW, b"a", b"b"], partition=0)
    await until(lambda: set(counts(worker)) == {b"a", b"b"})
    await worker.app.stop()
    stage.release.set()
    second = make_worker(kafka, prefix, stage)
    await second.app.start()
    await until(lambda: counts(second).get(SLOW) == 1)
    await second.app.stop()
    assert counts(second) == {SLOW: 1, b"a": 1, b"b": 1}


@pytest.mark.kafka
async def test_stopping_drains(kafka: Broker, prefix: str, make_worker: MakeWorker) -> None:
    """What is in flight when the worker is told to stop is finished and committed, so that the next one has nothing to redo."""
    await make_topics(kafka, prefix)
    stage = ToyStage()
    worker = make_worker(kafka, prefix, stage, pool=200)
    await worker.app.start()
    assert await worker.app.wait_ready(30)
    taken = [b"%d" % i for i in range(100)]
    await send(kafka, prefix + "prompts", list(taken))
    await until(lambda: len(counts(worker)) > 20)
    await worker.app.stop()
    done = counts(worker)
    second = make_worker(kafka, prefix, stage)
    await second.app.start()
    await until(lambda: len(counts(second)) == 100)
    await second.app.stop()
    assert {value: times for value, times in counts(second).items() if value in done} == done


class Overdue:
    """Ends what is open: rows ``open:`` are answered once and removed."""

    def due(self, partition: int, state: StateView) -> tuple[Prepared, ...]:
        return tuple(Closing(key) for key, _ in state.scan(b"open:"))


class Closing:
    def __init__(self, key: bytes) -> None:
        self.key = key

    def decide(self, partition: int, state: StateView) -> Effects:
        return Effects(rows=(Row(self.key, None),), outputs=(Output("responses", None, b"closed:" + self.key),))


class Opening(ToyStage):
    async def prepare(self, record: object) -> Prepared:
        return Opened(getattr(record, "value", b""))


class Opened:
    def __init__(self, value: bytes) -> None:
        self.value = value

    def decide(self, partition: int, state: StateView) -> Effects:
        return Effects(rows=(Row(b"open:" + self.value, b"1"),))


async def test_the_sweep_ends_what_is_overdue(embedded: Broker, prefix: str, make_worker: MakeWorker) -> None:
    """Each overdue row is closed once, on its own partition."""
    await make_topics(embedded, prefix)
    worker = make_worker(embedded, prefix, Opening(), sweep=Overdue(), sweep_seconds=0.1)
    await worker.app.start()
    await send(embedded, prefix + "prompts", [b"a", b"b", b"c"])

    def rows() -> list[tuple[bytes, bytes]]:
        return [row for partition in range(PARTITIONS) for row in worker.links.rows.scan(partition, b"")]

    await until(lambda: len(worker.telemetry.of(Committed)) > 0)
    await until(lambda: not rows())
    await worker.app.stop()
    assert sorted(await values(embedded, prefix + "responses")) == [b"closed:open:a", b"closed:open:b", b"closed:open:c"]


async def test_freshness_follows_the_ends_of_its_topics(broker: Broker, prefix: str, make_worker: MakeWorker) -> None:
    """It advances while nothing happens, waits for what is not decided yet, knows the input's ends, and publishes watermarks."""
    await make_topics(broker, prefix)
    stages = (ToyStage("prompts", hurry=True), slow := ToyStage("consents"), ToyStage("subject-requests"))
    worker = make_worker(broker, prefix, *stages, watermarks=True)
    fresh, clock = worker.links.freshness, RealClock()
    assert fresh.read_until_ms(0) == 0
    await worker.app.start()
    assert await fresh.wait(0, clock.now_ms(), 40)
    await send(broker, prefix + "consents", [SLOW, b"a"], partition=0)
    sent_ms = clock.now_ms()
    assert not await fresh.wait(0, sent_ms + 1_000, 2.0)
    assert await fresh.wait(1, sent_ms, 10)
    slow.release.set()
    assert await fresh.wait(0, sent_ms + 1_000, 20)
    assert fresh.consents_offset(0) == 2
    await send(broker, prefix + "prompts", [b"x", b"y", b"z"], partition=1)
    assert await fresh.input_ends(1) == {"prompts": 3, "consents": 0, "subject-requests": 0}
    async with asyncio.timeout(20):
        while not (await values(broker, prefix + "standing", 0))[-1].endswith(b":2"):
            pass
    await worker.app.stop()
    marks = [record async for record in read_all(broker.connection, prefix + "standing")]
    assert {(mark.partition, mark.key) for mark in marks} == {(0, b"w0"), (1, b"w1")}


@dataclass(frozen=True)
class Intent:
    """Something to be written before something is done."""

    def decide(self, partition: int, state: StateView) -> Effects:
        return Effects((Row(b"intended", b"1"),), (Output("audit-events", None, b"intent"),))


async def test_what_is_entered_on_the_trail_is_in_kafka_when_it_returns(broker: Broker, prefix: str, make_worker: MakeWorker) -> None:
    """Output and row, on the partition asked for; a partition that is not the worker's takes nothing."""
    await make_topics(broker, prefix)
    worker = make_worker(broker, prefix)
    with pytest.raises(Unavailable):
        await worker.links.trail.enter(1, Intent())
    await worker.app.start()
    assert await worker.app.wait_ready(30)
    await worker.links.trail.enter(1, Intent())
    assert worker.links.rows.get(1, b"intended") == b"1"
    found = [record async for record in read_all(broker.connection, prefix + "audit-events")]
    assert [(record.partition, record.value) for record in found] == [(1, b"intent")]
    with pytest.raises(Unavailable):
        await worker.links.trail.enter(PARTITIONS, Intent())


@pytest.mark.kafka
async def test_a_second_worker_takes_over_a_partition_with_its_state(kafka: Broker, prefix: str, make_worker: MakeWorker) -> None:
    """While records are in flight: each worker holds the rows of its own partition only, and every record is decided."""
    await make_topics(kafka, prefix)
    first, second = make_worker(kafka, prefix), make_worker(kafka, prefix)
    await first.app.start()
    assert await first.app.wait_ready(30)
    await send(kafka, prefix + "prompts", [b"%d" % i for i in range(200)])
    await until(lambda: len(counts(first)) > 40)
    await second.app.start()
    assert await second.app.wait_ready(40)
    await until(lambda: first.app.ready()[0])
    await send(kafka, prefix + "prompts", [b"%d" % i for i in range(200, 300)])
    await until(lambda: len(counts(first)) + len(counts(second)) == 300, 40)
    assert {first.app.owned(), second.app.owned()} == {frozenset({0}), frozenset({1})}
    assert not set(counts(first)) & set(counts(second))
    await second.app.stop()
    await until(lambda: first.app.owned() == {0, 1}, 40)
    assert set(counts(first)) == {b"%d" % i for i in range(300)}
    await first.app.stop()
    assert set(await values(kafka, prefix + "responses")) == {b"done:%d" % i for i in range(300)}

"""The runtime without Kafka: a commit that can be held up or fail, records handed in by hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from streamgate.errors import Code, Unavailable
from streamgate.pipeline.ports.stage import LARGEST_OUTPUT_BYTES, Effects, Output, Row, Settle, Stale, StateView, Sweep
from streamgate.telemetry import StageFailed
from streamgate.topology import Rows, RuntimeSettings
from streamgate.topology._progress import Progress
from streamgate.topology._runtime import Flow, Runtime
from streamgate.types import Inbound
from tests.fakes.outbox import FakeOutbox
from tests.fakes.telemetry import FakeTelemetry
from tests.topology.toy import POISON, SLOW, RealClock, ToyStage, until


@dataclass
class Bench:
    runtime: Runtime
    outbox: FakeOutbox
    rows: Rows
    telemetry: FakeTelemetry

    def take(self, offset: int, value: bytes, topic: str = "prompts", generation: int = 1) -> Flow:
        return self.runtime.take(Inbound(topic, 0, offset, 0, b"k", value), generation)

    def position(self, topic: str = "prompts") -> int | None:
        ledger = self.runtime.ledgers.current(topic, 0)
        return ledger.position if ledger else None


def bench(*stages: Any, sweep: Sweep | None = None, **settings: Any) -> Bench:
    outbox, rows, telemetry = FakeOutbox(), Rows(), FakeTelemetry()
    runtime = Runtime(
        stages=stages or (ToyStage(hurry=True),),
        sweep=sweep,
        commit=outbox,
        rows=rows,
        telemetry=telemetry,
        clock=RealClock(),
        settings=RuntimeSettings(partitions=1, **settings),
    )
    runtime.assigned()
    for topic in runtime.stages:
        runtime.opened(1, topic, 0, Progress(0))
    return Bench(runtime, outbox, rows, telemetry)


async def test_an_offset_moves_only_after_its_effects_are_acknowledged() -> None:
    """And so does the state."""
    it = bench()
    it.outbox.gate.clear()
    it.take(0, b"a")
    await until(lambda: not it.runtime._quiet())
    assert (it.position(), it.rows.get(0, b"n:a")) == (0, None)
    it.outbox.gate.set()
    await until(lambda: it.position() == 1)
    assert (it.rows.get(0, b"n:a"), it.rows.get(0, b"o:a")) == (b"1", b"0")
    assert await it.runtime.drain(1)


async def test_a_decision_sees_all_earlier_ones() -> None:
    """Over topics, within a batch and across batches: no count is lost."""
    it = bench(ToyStage("prompts", hurry=True), ToyStage("consents", ordered=True, hurry=True))
    for offset in range(50):
        it.take(offset, b"same")
        it.take(offset, b"same", "consents")
    await until(lambda: it.position() == 50 and it.position("consents") == 50)
    assert it.rows.get(0, b"n:same") == b"100"
    assert await it.runtime.drain(1)


class Plain(ToyStage):
    """Outputs whose offsets nobody records."""

    async def prepare(self, record: Inbound) -> Any:
        return PlainDecision()


class PlainDecision:
    def decide(self, partition: int, state: StateView) -> Effects:
        times = int(state.get(b"n") or b"0") + 1
        return Effects(rows=(Row(b"n", b"%d" % times),), outputs=(Output("responses", None, b"%d" % times),))


async def test_decisions_are_carried_out_together() -> None:
    """Up to the size of a batch, in their order."""
    it = bench(Plain(), batch=30)
    it.outbox.gate.clear()
    for offset in range(60):
        it.take(offset, b"x")
    await until(lambda: not it.runtime._tasks)
    it.outbox.gate.set()
    await until(lambda: it.position() == 60)
    assert [output.value for output in it.outbox.outputs] == [b"%d" % n for n in range(1, 61)]
    assert max(len(batch.effects) for batch in it.outbox.batches) == 30
    assert await it.runtime.drain(1)


class Reading(ToyStage):
    """Reads the row that the decision before it settles."""

    async def prepare(self, record: Inbound) -> Any:
        return ReadingDecision(record)


@dataclass
class ReadingDecision:
    record: Inbound

    def decide(self, partition: int, state: StateView) -> Effects:
        key = b"o:" + (self.record.value or b"")
        before = state.get(key)
        return Effects(outputs=(Output("responses", None, before or b"-", Settle(key, lambda offset: b"%d" % offset)),))


async def test_a_row_that_records_an_offset_is_read_in_the_next_batch() -> None:
    """Decisions that do not read it are carried out together with the one that settles it."""
    it = bench(Reading())
    it.outbox.gate.clear()
    it.take(0, b"first")
    await until(lambda: it.outbox.entered == 1)
    for offset, value in enumerate((b"a", b"b", b"a", b"c"), 1):
        it.take(offset, value)
    await until(lambda: not it.runtime._tasks)
    it.outbox.gate.set()
    await until(lambda: it.position() == 5)
    assert [len(batch.effects) for batch in it.outbox.batches] == [1, 2, 2]
    assert [output.value for output in it.outbox.outputs] == [b"-", b"-", b"-", b"1", b"-"]
    assert await it.runtime.drain(1)


async def test_a_batch_says_what_is_done_once_it_is() -> None:
    """Also beyond a record that is still in flight."""
    it = bench()
    it.take(0, SLOW)
    for offset in (1, 2):
        it.take(offset, b"x")
        await until(lambda offset=offset: len(it.outbox.batches) == offset)  # type: ignore[misc]
    assert [batch.progress for batch in it.outbox.batches] == [
        {"prompts": Progress(0, frozenset({1}))},
        {"prompts": Progress(0, frozenset({1, 2}))},
    ]
    assert await it.runtime.drain(0.05)


async def test_what_is_entered_beside_the_records_is_decided_like_them() -> None:
    """It returns once it is carried out; what it raises comes back, and holds up nothing."""
    it = bench()
    it.outbox.gate.clear()
    entered = asyncio.create_task(it.runtime.enter(0, PlainDecision()))
    await until(lambda: it.outbox.entered == 1)
    assert not entered.done()
    it.outbox.gate.set()
    await asyncio.wait_for(entered, 5)
    assert (it.rows.get(0, b"n"), it.outbox.batches[0].progress) == (b"1", {})
    with pytest.raises(ValueError, match="does not open"):
        await it.runtime.enter(0, Due(b"bad"))
    it.take(0, b"a")
    await until(lambda: it.position() == 1)
    assert await it.runtime.drain(1)
    with pytest.raises(Unavailable):
        await it.runtime.enter(0, PlainDecision())


async def test_a_commit_that_fails_stops_the_worker_and_commits_nothing() -> None:
    """There is no hole to go on behind."""
    it = bench()
    it.outbox.failure = Unavailable(Code.INTERNAL_ERROR, "kafka")
    it.take(0, b"a")
    assert isinstance(await asyncio.wait_for(it.runtime.failed, 5), Unavailable)
    assert it.runtime.ledgers.movable() == {}
    it.outbox.failure = None
    it.take(1, b"b")
    await it.runtime.drain(0)
    assert it.outbox.batches == []


async def test_records_of_another_generation_are_not_taken() -> None:
    """Nor any while partitions are being revoked, nor one that was read before."""
    it = bench()
    it.take(0, b"old", generation=0)
    it.take(0, b"a")
    await until(lambda: it.position() == 1)
    it.take(0, b"a")
    assert await it.runtime.drain(1)
    it.take(1, b"b")
    it.runtime.opened(1, "prompts", 0, Progress(0))
    it.take(1, b"b")
    assert [output.value for output in it.outbox.outputs] == [b"done:a"]


async def test_revocation_waits_a_bounded_time_and_says_when_it_cut_a_batch_off() -> None:
    """What could not finish is not committed."""
    it = bench()
    it.take(0, SLOW)
    it.take(1, b"a")
    await until(lambda: len(it.outbox.batches) == 1)
    assert await it.runtime.drain(0.05)
    assert it.runtime.ledgers.movable() == {("prompts", 0): Progress(0, frozenset({1}))}
    cut = bench()
    cut.outbox.gate.clear()
    cut.take(0, b"a")
    await until(lambda: not cut.runtime._tasks)
    assert not await cut.runtime.drain(0.05)
    assert cut.runtime.ledgers.movable() == {}


async def test_a_backlog_pauses_its_partition_until_half_is_gone() -> None:
    """So that one topic's backlog neither grows without bound nor holds up another topic."""
    stage = ToyStage()
    it = bench(stage, pool=2)
    flows = [it.take(offset, SLOW) for offset in range(5)]
    assert flows == [Flow.GO_ON] * 3 + [Flow.PAUSE] * 2
    assert it.runtime.resumable() == {}
    stage.release.set()
    await until(lambda: it.position() == 5)
    assert it.runtime.resumable() == {("prompts", 0): None}
    assert it.runtime.resumable() == {}
    assert await it.runtime.drain(1)


async def test_a_stage_whose_poisoned_raises_too_stops_the_worker() -> None:
    """Nothing is left to decide for that record, and it may not be skipped."""

    class Hopeless(ToyStage):
        def poisoned(self, record: Inbound) -> Any:
            raise RuntimeError("worse")

    it = bench(Hopeless())
    it.take(0, POISON)
    assert isinstance(await asyncio.wait_for(it.runtime.failed, 5), RuntimeError)
    assert [fact.error for fact in it.telemetry.of(StageFailed)] == ["KeyError"]
    await it.runtime.drain(0)


class Sweeping:
    """Three rows are due; the first cannot be read."""

    def due(self, partition: int, state: StateView) -> tuple[Any, ...]:
        return tuple(Due(key) for key in (b"bad", b"x", b"y") if state.get(b"done:" + key) is None)


@dataclass
class Due:
    key: bytes

    def decide(self, partition: int, state: StateView) -> Effects:
        if self.key == b"bad":
            raise ValueError("a row that does not open")
        return Effects(rows=(Row(b"done:" + self.key, b"1"),))


async def test_a_row_that_cannot_be_read_holds_up_no_other() -> None:
    """What else is due is swept all the same; the failure is reported at each sweep."""
    it = bench(sweep=Sweeping())
    it.runtime.sweep({0})
    await until(lambda: it.rows.get(0, b"done:y") == b"1")
    assert it.rows.get(0, b"done:x") == b"1"
    assert [fact.error for fact in it.telemetry.of(StageFailed)] == ["ValueError"]
    assert await it.runtime.drain(1)


class Aging(ToyStage):
    """What it prepares has aged by the time of its first decision."""

    def __init__(self, *, ordered: bool) -> None:
        super().__init__(ordered=ordered, hurry=True)
        self.prepared: list[bytes | None] = []

    async def prepare(self, record: Inbound) -> Any:
        self.prepared.append(record.value)
        return AgedDecision() if self.prepared.count(record.value) == 1 else await super().prepare(record)


class AgedDecision:
    def decide(self, partition: int, state: StateView) -> Effects:
        raise Stale


@pytest.mark.parametrize("ordered", [True, False])
async def test_what_has_aged_is_prepared_again(ordered: bool) -> None:  # noqa: FBT001
    """Nothing of it is decided, nothing is reported as a failure, and an ordered stage keeps its order."""
    stage = Aging(ordered=ordered)
    it = bench(stage)
    for offset, value in enumerate([b"a", b"b", b"c"]):
        it.take(offset, value)
    await until(lambda: it.position() == 3)
    decided = [(output.value or b"").removeprefix(b"done:") for output in it.outbox.outputs]
    assert decided == [b"a", b"b", b"c"] if ordered else sorted(decided) == [b"a", b"b", b"c"]
    assert sorted(value or b"" for value in stage.prepared) == [b"a", b"a", b"b", b"b", b"c", b"c"]
    assert not it.telemetry.of(StageFailed)
    assert await it.runtime.drain(1)


class Huge(ToyStage):
    async def prepare(self, record: Inbound) -> Any:
        return HugeDecision()


class HugeDecision:
    def decide(self, partition: int, state: StateView) -> Effects:
        return Effects(outputs=(Output("responses", None, bytes(LARGEST_OUTPUT_BYTES + 1)),))


async def test_an_output_that_the_topics_would_not_take_is_never_sent() -> None:
    """The send could never succeed, and the worker would stop on it at every start: the record ends as poisoned."""
    it = bench(Huge())
    it.take(0, b"a")
    await until(lambda: it.position() == 1)
    assert [output.value for output in it.outbox.outputs] == [b"poisoned:a"]
    assert [fact.error for fact in it.telemetry.of(StageFailed)] == ["OverflowError"]
    assert await it.runtime.drain(1)


class Entering(ToyStage):
    """Enters something beside the records when it is let go, and raises what that raises."""

    runtime: Runtime

    async def prepare(self, record: Inbound) -> Any:
        await self.release.wait()
        await self.runtime.enter(record.partition, PlainDecision())
        return await super().prepare(record)


async def test_a_record_that_is_being_given_up_ends_nowhere() -> None:
    """Neither one whose stage learns that the partition is gone, nor one behind it that was not begun: both are the next owner's."""
    stage = Entering(hurry=True)
    it = bench(stage, pool=1)
    stage.runtime = it.runtime
    it.take(0, b"a")
    it.take(1, b"b")
    draining = asyncio.create_task(it.runtime.drain(5))
    await until(lambda: not it.runtime._accepting)
    stage.release.set()
    assert await draining
    assert (it.outbox.batches, it.position(), it.telemetry.of(StageFailed)) == ([], 0, [])

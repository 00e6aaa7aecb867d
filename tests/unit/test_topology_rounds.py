"""The rounds over batches: what fails waits longer each time, and partitions that are given up take their batches with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streamgate.telemetry import BatchesHeld, BatchStepFailed
from streamgate.topology._rounds import BatchRounds
from tests.fakes.batch_model import FakeBatchModel, Fault
from tests.fakes.batches import BatchWorld
from tests.topology.toy import until


@asynccontextmanager
async def going_round(it: BatchWorld, owned: set[int], looked: list[int]) -> AsyncIterator[BatchRounds]:
    """Rounds in real time over a world whose clock is its own; ``looked`` has an entry for each."""

    def asked() -> frozenset[int]:
        looked.append(1)
        return frozenset(owned)

    rounds = BatchRounds(it.batches, asked, it.telemetry, it.clock, 30.0)
    await rounds.start()
    try:
        yield rounds
    finally:
        await rounds.stop()


async def test_what_waits_is_made_into_a_batch_and_answered() -> None:
    """And what is held is told, down to nothing."""
    it = BatchWorld()
    request_id = await it.take_in(1)
    it.passes(60)
    async with going_round(it, {0}, []):
        await until(lambda: it.codes() == {request_id: "ok"} and not it.all())
        it.passes(60)
        await until(lambda: [(held.requests, held.files) for held in it.telemetry.of(BatchesHeld)][-1:] == [(0, 0)])


async def test_a_step_that_fails_is_tried_again_after_a_pause() -> None:
    """Not in every round: the provider is asked once until the pause is over."""
    it = BatchWorld(FakeBatchModel(fault=lambda what: Fault.REFUSED if what == "upload" else Fault.NONE))
    await it.take_in(1)
    it.passes(60)
    looked: list[int] = []
    async with going_round(it, {0}, looked):
        await until(lambda: len(it.telemetry.of(BatchStepFailed)) == 1)
        it.passes(29)
        before = len(looked)
        await until(lambda: len(looked) >= before + 2)
        assert it.model.asked.count("upload") == 1
        it.passes(1)
        await until(lambda: len(it.telemetry.of(BatchStepFailed)) == 2)


async def test_partitions_that_are_not_owned_are_left_alone() -> None:
    """Whoever owns them goes round there."""
    it = BatchWorld()
    await it.take_in(1)
    it.passes(60)
    async with going_round(it, set(), []) as rounds:
        await until(lambda: bool(it.telemetry.of(BatchesHeld)))
        assert rounds.drained() == []
    assert (it.waiting, it.model.asked) == (1, [])

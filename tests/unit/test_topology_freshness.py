"""How up to date vault says it is: never more than what was decided, and one partition does not hold up another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from streamgate.topology._freshness import InputFreshness
from streamgate.types import Topic
from tests.fakes.effects import FakeClock

EVERY_SECONDS = 0.3


class ScriptedInputs:
    """Implements ``_freshness.Inputs``: ends and decided positions are what the test says."""

    def __init__(self) -> None:
        self.mine = frozenset({0, 1})
        self.end: dict[int, int] = {0: 0, 1: 0}
        self.decided: dict[int, int] = {0: 0, 1: 0}
        self.asked: list[frozenset[int]] = []

    @property
    def topics(self) -> tuple[str, ...]:
        return (Topic.PROMPTS, Topic.CONSENTS)

    def owned(self) -> frozenset[int]:
        return self.mine

    async def ends(self, topics: tuple[str, ...], partitions: frozenset[int]) -> Mapping[tuple[str, int], int]:
        assert topics == (Topic.CONSENTS,)
        self.asked.append(partitions)
        return {(topic, partition): self.end[partition] for topic in topics for partition in partitions}

    async def decided_to(self, topic: str, partition: int, end: int) -> bool:
        assert topic == Topic.CONSENTS
        return self.decided[partition] >= end

    def position(self, topic: str, partition: int) -> int | None:
        assert topic
        return self.decided[partition]


@asynccontextmanager
async def running(inputs: ScriptedInputs, clock: FakeClock) -> AsyncIterator[InputFreshness]:
    fresh = InputFreshness()
    fresh.bind(inputs)
    task = asyncio.create_task(fresh.run(clock, EVERY_SECONDS, 0.5, None))
    try:
        yield fresh
    finally:
        task.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  the condition is state, not an event
            await asyncio.sleep(0.005)


async def test_a_partition_that_lags_does_not_hold_up_another() -> None:
    """It is asked once and waits for that; the other is asked again and again and stays fresh."""
    inputs, clock = ScriptedInputs(), FakeClock()
    inputs.end[0] = 5
    began = clock.now_ms()
    async with running(inputs, clock) as fresh:
        for _ in range(4):
            await until(lambda: fresh.read_until_ms(1) == clock.now_ms())
            clock.advance(2 * EVERY_SECONDS)
        assert fresh.read_until_ms(0) == 0
        assert [0 in asked for asked in inputs.asked].count(True) == 1
        inputs.decided[0] = 5
        await until(lambda: fresh.read_until_ms(0) > 0)
        assert fresh.consents_offset(0) == 5
        assert fresh.read_until_ms(0) in {began, clock.now_ms()}


async def test_nothing_is_known_of_a_partition_that_was_lost() -> None:
    """Until it is owned again and read to its end."""
    inputs, clock = ScriptedInputs(), FakeClock()
    async with running(inputs, clock) as fresh:
        await until(lambda: fresh.read_until_ms(0) > 0)
        inputs.mine = frozenset({1})
        await until(lambda: fresh.read_until_ms(0) == 0)
        assert fresh.read_until_ms(1) > 0

"""Goes round the batches of the partitions that a worker owns: beside the records, and given up with the partitions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from streamgate.effects import Clock
from streamgate.errors import Unavailable
from streamgate.pipeline._batch_decide import Moved
from streamgate.pipeline.batch import Batches
from streamgate.provider import CallFailed
from streamgate.telemetry import BatchesHeld, BatchStepFailed, StageFailed, Telemetry
from streamgate.topology._failure import where
from streamgate.types import Topic

ROUND_SECONDS: Final = 1.0
TELL_SECONDS: Final = 5.0
AT_ONCE: Final = 4
LONGEST_PAUSE_SECONDS: Final = 600.0


class BatchRounds:
    """One task that looks, and one for each batch that is being worked on."""

    def __init__(
        self, batches: Batches, owned: Callable[[], frozenset[int]], telemetry: Telemetry, clock: Clock, pause_seconds: float
    ) -> None:
        """``pause_seconds`` is waited after a first failure, and twice as long after each further one."""
        self._batches = batches
        self._owned = owned
        self._telemetry = telemetry
        self._clock = clock
        self._pause_seconds = pause_seconds
        self._working: dict[bytes, asyncio.Task[None]] = {}
        self._not_before: dict[bytes, float] = {}
        self._failures: dict[bytes, int] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._task: asyncio.Task[None] | None = None
        self._told: BatchesHeld | None = None
        self._told_at = float("-inf")

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Look no more, and leave every batch where it is."""
        task, self._task = self._task, None
        working = self.drained()
        if task is not None:
            task.cancel()
            working.append(task)
        if working:
            await asyncio.wait(working, timeout=5.0)

    def drained(self) -> list[asyncio.Task[None]]:
        """Partitions were given up: whoever has them now goes on with their batches."""
        working = list(self._working.values())
        for task in working:
            task.cancel()
        self._not_before.clear()
        self._failures.clear()
        return working

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self._round()
            except Unavailable:
                continue  # a partition went away in between, or Kafka is slow: the next round finds out
            except Exception as error:  # noqa: BLE001  a round that fails must not be the last one
                self._telemetry.emit(StageFailed(Topic.REQUESTS_BATCH, type(error).__name__, where(error)))

    async def _round(self) -> None:
        owned = sorted(self._owned())
        for partition in owned:
            await self._batches.form(partition)
            for own_id in self._batches.of(partition):
                if own_id not in self._working and self._clock.monotonic() >= self._not_before.get(own_id, 0.0):
                    self._work(partition, own_id)
        if self._clock.monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = self._clock.monotonic()
            held = self._batches.held(owned)
            if held != self._told:
                self._told = held
                self._telemetry.emit(held)

    def _work(self, partition: int, own_id: bytes) -> None:
        task = asyncio.create_task(self._go_on(partition, own_id))
        self._working[own_id] = task
        task.add_done_callback(lambda _: self._working.pop(own_id, None))

    async def _go_on(self, partition: int, own_id: bytes) -> None:
        async with self._slots:
            pause: float | None = None
            with suppress(Moved):  # looked at anew in the next round
                try:
                    pause = await self._batches.go_on(partition, own_id)
                    self._failures.pop(own_id, None)
                except CallFailed as failure:
                    self._telemetry.emit(BatchStepFailed(failure.reason.value))
                    pause = max(self._backoff(own_id), failure.retry_after_seconds or 0.0)
                except Unavailable:
                    pause = self._pause_seconds
                except Exception as error:  # noqa: BLE001  one batch that fails must not hold up the others; it is tried again
                    self._telemetry.emit(StageFailed(Topic.REQUESTS_BATCH, type(error).__name__, where(error)))
                    pause = self._backoff(own_id)
        if pause is None:
            self._not_before.pop(own_id, None)
        else:
            self._not_before[own_id] = self._clock.monotonic() + pause

    def _backoff(self, own_id: bytes) -> float:
        failures = self._failures[own_id] = self._failures.get(own_id, 0) + 1
        return min(LONGEST_PAUSE_SECONDS, self._pause_seconds * 2.0 ** min(failures - 1, 10))

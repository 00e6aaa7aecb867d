"""Workers come and go under load: nothing is lost, nothing is done twice, and no partition is silent for long."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from streamgate.adapters.kafka_head import read_all
from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from tests.fixtures_kafka import Broker
from tests.topology.toy import make_topics

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
PARTITIONS = 8
SILENCE_SECONDS = 15.0


@dataclass
class Fleet:
    """Toy workers in processes of their own."""

    broker: Broker
    prefix: str
    folder: Path
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def start(self) -> None:
        """One more, that is ready."""
        place = str(self.folder / str(next(self.numbers)))
        command = (sys.executable, "-m", "tests.fault.worker_main", self.broker.bootstrap, self.prefix, "0", place, str(PARTITIONS))
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        self.processes.append(process)
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"ready\n"

    async def stop_first(self) -> None:
        """The one that is there longest: SIGTERM, and it ends well."""
        process = self.processes.pop(0)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0

    async def kill(self) -> None:
        """All that is left."""
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


@asynccontextmanager
async def load(broker: Broker, topic: str) -> AsyncIterator[Callable[[], int]]:
    """A record for each partition five times a second, until the block ends; says how many were sent."""
    publisher = KafkaPublisher(broker.connection)
    await publisher.start()
    sent = 0
    ending = asyncio.Event()

    async def send() -> None:
        nonlocal sent
        while not ending.is_set():
            await publisher.publish([Publication(topic, p, b"k", b"%d" % (sent + p)) for p in range(PARTITIONS)], 30)
            sent += PARTITIONS
            await asyncio.sleep(0.2)

    task = asyncio.create_task(send())
    try:
        yield lambda: sent
    finally:
        ending.set()
        await task
        await publisher.stop()


async def answers(broker: Broker, prefix: str) -> list[tuple[int, int, bytes]]:
    """Partition, time (ms) and value."""
    return [(r.partition, r.timestamp_ms, r.value or b"") async for r in read_all(broker.connection, prefix + "responses")]


async def reaches(broker: Broker, prefix: str, count: int) -> list[tuple[int, int, bytes]]:
    """All answers, as soon as there are so many."""
    async with asyncio.timeout(60):
        while len(found := await answers(broker, prefix)) < count:
            pass
    return found


async def test_workers_come_and_go_under_load(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """From one to four, a rolling restart of all, and back to one: each record is answered once, and each partition goes on within 15 s."""
    await make_topics(kafka, prefix, PARTITIONS)
    fleet = Fleet(kafka, prefix, tmp_path)
    began = time.monotonic()
    try:
        await fleet.start()
        async with load(kafka, prefix + "prompts") as sent:

            async def caught_up() -> None:
                await reaches(kafka, prefix, sent())

            await caught_up()
            for _ in range(3):
                await fleet.start()
                await caught_up()
            for _ in range(4):
                await fleet.start()
                await fleet.stop_first()
                await caught_up()
            for _ in range(3):
                await fleet.stop_first()
                await caught_up()
            total = sent
        found = await reaches(kafka, prefix, total())
    finally:
        await fleet.kill()
    assert Counter(value for _, _, value in found) == Counter(b"done:%d" % number for number in range(total()))
    silences = []
    for partition in range(PARTITIONS):
        times = sorted(at for p, at, _ in found if p == partition)
        silences.append(max(later - earlier for earlier, later in itertools.pairwise(times)) / 1000)
    print(f"\n{total()} records, 14 rebalances in {time.monotonic() - began:.0f} s; longest silence by partition {sorted(silences)} s")  # noqa: T201
    assert max(silences) < SILENCE_SECONDS

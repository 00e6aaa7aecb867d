"""The delivery benchmark: trivial work through our delivery path, through stock Faust, and through a bare aiokafka loop, in one run."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_head import read_all
from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.adapters.kafka_topics import KafkaTopics, topic_plan
from streamgate.types import Topic

KINDS: Final = ("bare", "stock", "streamgate")
SHAPES: Final = ((1, 1), (2, 1), (4, 1), (4, 2), (4, 4))
"""Partitions and workers."""
RECORD_BYTES: Final = 1_000
EDGE: Final = 10
"""A tenth of the answers at either end is not timed: workers come up one after another."""
PATIENCE_SECONDS: Final = 120.0
SILENCE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came out at the other end."""

    per_second: float
    lost: int
    twice: int

    def result(self) -> dict[str, Any]:
        """As JSON."""
        return {"records_per_second": round(self.per_second), "lost": self.lost, "twice": self.twice}


async def bench_delivery(bootstrap: str, records: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure every kind in every shape. The broker must have transactions; topics of the run are deleted."""
    shapes = []
    for partitions, workers in SHAPES:
        found: dict[str, Delivered] = {}
        for kind in KINDS:
            progress(f"{kind}: {partitions} partitions, {workers} workers")
            found[kind] = await _deliver(kind, bootstrap, records, partitions, workers)
        ours = found["streamgate"].per_second
        shapes.append(
            {
                "partitions": partitions,
                "workers": workers,
                **{kind: each.result() for kind, each in found.items()},
                "streamgate_to_stock_faust": round(ours / max(1.0, found["stock"].per_second), 2),
                "streamgate_to_bare_loop": round(ours / max(1.0, found["bare"].per_second), 3),
            }
        )
    return {"records": records, "bytes_per_record": RECORD_BYTES, "shapes": shapes}


async def _deliver(kind: str, bootstrap: str, records: int, partitions: int, workers: int) -> Delivered:
    connection = KafkaConnection(bootstrap=bootstrap)
    prefix = f"streamgate-bench-{secrets.token_hex(4)}."
    plan = topic_plan(prefix, partitions=partitions, replication=1)
    async with KafkaTopics(connection) as topics:
        await topics.apply(plan)
        try:
            await _fill(connection, prefix + Topic.PROMPTS, records, partitions)
            command = (sys.executable, "-m", "streamgate.demo._delivery_worker", kind, bootstrap, prefix, str(partitions))
            quiet = asyncio.subprocess.DEVNULL
            running = [await asyncio.create_subprocess_exec(*command, stdout=quiet, stderr=quiet) for _ in range(workers)]
            try:
                return await _look(connection, prefix + Topic.RESPONSES, records)
            finally:
                for process in running:
                    process.kill()
                    await process.wait()
        finally:
            await topics.delete(topic.name for topic in plan)


async def _fill(connection: KafkaConnection, topic: str, records: int, partitions: int) -> None:
    publisher = KafkaPublisher(connection)
    await publisher.start()
    try:
        for first in range(0, records, 1_000):
            numbers = range(first, min(records, first + 1_000))
            batch = [Publication(topic, n % partitions, b"%d" % n, (b"%d " % n).ljust(RECORD_BYTES, b"x")) for n in numbers]
            await publisher.publish(batch, PATIENCE_SECONDS)
    finally:
        await publisher.stop()


async def _look(connection: KafkaConnection, topic: str, records: int) -> Delivered:
    """Read the answers again and again until all are there, or no more come."""
    began = changed = time.monotonic()
    times: list[int] = []
    values: list[bytes] = []
    while time.monotonic() - began < PATIENCE_SECONDS:
        await asyncio.sleep(1.0)
        found = [(each.timestamp_ms, each.value or b"") async for each in read_all(connection, topic)]
        if len(found) > len(values):
            changed = time.monotonic()
        times, values = sorted(at for at, _ in found), [value for _, value in found]
        if len(set(values)) >= records or (values and time.monotonic() - changed > SILENCE_SECONDS):
            break
    edge = len(times) // EDGE
    inner = times[edge : len(times) - edge]
    seconds = max(0.001, (inner[-1] - inner[0]) / 1000) if len(inner) > 1 else PATIENCE_SECONDS
    return Delivered(len(inner) / seconds, records - len(set(values)), len(values) - len(set(values)))

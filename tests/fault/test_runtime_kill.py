"""A worker is killed (SIGKILL) in the middle of its work: nothing is lost, and the state is what its changelog says."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import pytest

from streamgate.adapters.kafka_head import read_all
from streamgate.topology import DiskRows
from tests.fixtures_kafka import Broker
from tests.topology.toy import PARTITIONS, MakeWorker, RealClock, make_topics, send, until

ROOT = Path(__file__).parents[2]
RECORDS = 300


async def start_process(broker: Broker, prefix: str, folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "tests.fault.worker_main",
            broker.bootstrap,
            prefix,
            str(int(broker.embedded)),
            str(folder),
            str(PARTITIONS),
        ),
        cwd=ROOT,
    )


async def answered(broker: Broker, prefix: str) -> Counter[bytes]:
    return Counter([record.value or b"" async for record in read_all(broker.connection, prefix + "responses")])


async def answered_reaches(broker: Broker, prefix: str, count: int) -> None:
    async with asyncio.timeout(40):
        while len(await answered(broker, prefix)) < count:
            pass


@pytest.mark.slow
async def test_nothing_is_lost_when_workers_are_killed(broker: Broker, prefix: str, make_worker: MakeWorker, tmp_path: Path) -> None:
    """Two workers die in mid-work, a third finishes on the rows that they left on the disk. Every record is answered: on Kafka once, and the state counts every decision."""
    await make_topics(broker, prefix)
    await send(broker, prefix + "prompts", [b"%d" % i for i in range(RECORDS)])
    for share in (60, 160):
        process = await start_process(broker, prefix, tmp_path)
        await answered_reaches(broker, prefix, share)
        process.kill()
        await process.wait()
    last = make_worker(broker, prefix, rows=DiskRows(tmp_path, RealClock(), PARTITIONS))
    await last.app.start()

    def decided() -> dict[bytes, int]:
        rows = (row for partition in range(PARTITIONS) for row in last.links.rows.scan(partition, b"n:"))
        return {key[2:]: int(value) for key, value in rows}

    await until(lambda: len(decided()) == RECORDS, 60)
    await until(lambda: last.app.ready()[0])
    await answered_reaches(broker, prefix, RECORDS)
    rows = {partition: dict(last.links.rows.scan(partition, b"")) for partition in range(PARTITIONS)}
    counted = decided()
    await last.app.stop()

    outputs = await answered(broker, prefix)
    assert set(outputs) == {b"done:%d" % i for i in range(RECORDS)}
    if not broker.embedded:
        assert set(outputs.values()) == {1}
        assert set(counted.values()) == {1}
    for value, times in counted.items():
        # Without transactions a row is written before its output: a kill in between leaves a decision without an answer, never the reverse.
        assert outputs[b"done:" + value] <= times
    for partition in range(PARTITIONS):
        changelog: dict[bytes, bytes | None] = {}
        async for record in read_all(broker.connection, prefix + "vault-state", [partition]):
            changelog[record.key or b""] = record.value
        assert rows[partition] == {key: value for key, value in changelog.items() if value is not None}

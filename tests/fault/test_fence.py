"""A worker is stopped (SIGSTOP) in the middle of a transaction, loses its partitions to another, and wakes up: it writes nothing more."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from streamgate.adapters.kafka_head import read_all
from tests.fault.minting import MintingStage
from tests.fixtures_kafka import Broker
from tests.topology.toy import PARTITIONS, MakeWorker, Worker, make_topics, send, until

ROOT = Path(__file__).parents[2]
RECORDS = 200


def stopped(pid: int) -> bool:
    """Whether the process is in the state T."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def decided(worker: Worker) -> dict[bytes, int]:
    """How often each value was decided, by the state."""
    rows = (row for partition in range(PARTITIONS) for row in worker.links.rows.scan(partition, b"n:"))
    return {key[2:]: int(value) for key, value in rows}


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 4])
@pytest.mark.parametrize("step", ["decided", "written", "committed"])
async def test_a_worker_that_wakes_up_can_write_nothing(kafka: Broker, prefix: str, make_worker: MakeWorker, step: str, after: int) -> None:
    """Every record is answered once, no key has two values, and the woken worker ends with an error or goes on under a new generation."""
    await make_topics(kafka, prefix)
    await send(kafka, prefix + "prompts", [b"%d" % i for i in range(RECORDS)])
    command = (sys.executable, "-m", "tests.fault.stopping_main", kafka.bootstrap, prefix, step, str(after))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    await until(lambda: stopped(process.pid), 40)
    other = make_worker(kafka, prefix, MintingStage())
    await other.app.start()
    await until(lambda: len(decided(other)) == RECORDS, 60)
    process.send_signal(signal.SIGCONT)
    await send(kafka, prefix + "prompts", [b"%d" % i for i in range(RECORDS, 2 * RECORDS)])

    async def answers() -> list[bytes]:
        return [record.value or b"" async for record in read_all(kafka.connection, prefix + "responses")]

    async with asyncio.timeout(60):
        while len(found := await answers()) < 2 * RECORDS:
            pass
    if process.returncode is None:
        process.kill()
    await process.wait()
    assert Counter(answer.partition(b"|")[0] for answer in found) == Counter(b"%d" % i for i in range(2 * RECORDS))
    minted = {(number, answer.partition(b"|")[2]) for answer in found for number in [int(answer.partition(b"|")[0])]}
    per_key: dict[tuple[int, int], set[bytes]] = {}
    for number, value in minted:
        per_key.setdefault((number % PARTITIONS, number % 20), set()).add(value)
    assert all(len(values) == 1 for values in per_key.values())
    last = make_worker(kafka, prefix, MintingStage())
    await other.app.stop()
    await last.app.start()
    assert await last.app.wait_ready(40)
    assert decided(last) == {b"%d" % i: 1 for i in range(2 * RECORDS)}

"""A toy worker in a process of its own, to be killed: ``python -m tests.fault.worker_main BOOTSTRAP PREFIX EMBEDDED DIRECTORY``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from streamgate.topology import DiskRows
from tests.fixtures_kafka import Broker
from tests.topology.toy import PARTITIONS, RealClock, build_worker


async def main(bootstrap: str, prefix: str, embedded: str, directory: str) -> int:
    rows = DiskRows(Path(directory), RealClock(), PARTITIONS)
    worker = build_worker(Broker(bootstrap, embedded == "1"), prefix, rows=rows)
    await worker.app.start()
    await worker.app.wait_failed()
    await worker.app.stop()
    return 3


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))

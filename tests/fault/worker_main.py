"""A toy worker in a process of its own, to be killed: ``python -m tests.fault.worker_main BOOTSTRAP PREFIX EMBEDDED DIRECTORY PARTITIONS``.

It says ``ready`` when it is. SIGTERM drains and stops it, as ``streamgate worker`` does.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from streamgate.topology import DiskRows
from tests.fixtures_kafka import Broker
from tests.topology.toy import RealClock, build_worker


async def main(bootstrap: str, prefix: str, embedded: str, directory: str, partitions: str) -> int:
    rows = DiskRows(Path(directory), RealClock(), int(partitions))
    worker = build_worker(Broker(bootstrap, embedded == "1"), prefix, rows=rows, partitions=int(partitions))
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await worker.app.start()
    if await worker.app.wait_ready(60):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
    failed, asked = asyncio.create_task(worker.app.wait_failed()), asyncio.create_task(stopping.wait())
    await asyncio.wait({failed, asked}, return_when=asyncio.FIRST_COMPLETED)
    await worker.app.stop()
    return 0 if asked.done() else 3


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))

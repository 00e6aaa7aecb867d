"""The watch over the event loop, with a real loop that is really blocked."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

from streamgate.adapters.loop_watch import EXIT_STATUS, LoopWatch
from tests.e2e.world import until


async def test_a_loop_that_goes_on_is_left_alone() -> None:
    """However often it is looked at."""
    blocked: list[str] = []
    watch = LoopWatch(look_seconds=0.01, looks=3, on_blocked=blocked.append)
    watch.start()
    beats = 0
    while beats < 20:
        await asyncio.sleep(0.02)
        beats += 1
    watch.stop()
    assert blocked == []


async def test_a_loop_that_stands_still_is_reported_with_its_place() -> None:
    """The module and line where it stands, and nothing of what it holds."""
    heard = threading.Event()
    places: list[str] = []

    def on_blocked(where: str) -> None:
        places.append(where)
        heard.set()

    watch = LoopWatch(look_seconds=0.02, looks=3, on_blocked=on_blocked)
    watch.start()
    assert heard.wait(20)
    assert places[0].startswith("threading:")


def test_a_process_whose_loop_stands_still_ends_with_a_status_of_its_own() -> None:
    """It says so in one line."""
    script = (
        "import asyncio, time\n"
        "from streamgate.adapters.loop_watch import LoopWatch\n"
        "async def main():\n    LoopWatch(look_seconds=0.05, looks=4).start()\n    time.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=40, check=False)
    assert (ended.returncode, ended.stdout) == (EXIT_STATUS, "")
    assert ended.stderr.count("\n") == 1
    assert '"event": "worker.loop_blocked"' in ended.stderr


async def test_a_process_that_was_stopped_and_goes_on_is_left_alone() -> None:
    """Its clock has jumped; its loop has missed no look."""
    script = (
        "import asyncio\n"
        "from streamgate.adapters.loop_watch import LoopWatch\n"
        "async def main():\n    LoopWatch(look_seconds=0.1, looks=3).start()\n    print('up', flush=True)\n    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    process.send_signal(signal.SIGSTOP)
    began = time.monotonic()

    async def long_enough() -> bool | None:
        return time.monotonic() - began > 1.5 or None

    await until(long_enough)
    process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    await until(long_enough)
    assert process.returncode is None
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()

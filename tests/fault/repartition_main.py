"""``streamgate topics repartition`` that kills itself with -9 when it says a line that begins with the second argument."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from streamgate.bootstrap import load, repartition


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  the test reads it
    if line.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)


asyncio.run(repartition(load(None), int(sys.argv[1]), confirmed=True, say=say))

"""Ends the process when its event loop stands still: nothing in the loop could, and a probe that hangs tells a supervisor little.

A thread counts its own looks at a beat of the loop, not the time: a process that was stopped and goes on is not taken for one that hangs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Final, NoReturn

EXIT_STATUS: Final = 70
"""``EX_SOFTWARE`` of sysexits.h."""


def end_process(where: str) -> NoReturn:
    """Say where the loop stands still, without any value, and end at once: what is in flight is found again by its offsets."""
    sys.stderr.write(json.dumps({"event": "worker.loop_blocked", "level": "error", "where": where}) + "\n")
    sys.stderr.flush()
    os._exit(EXIT_STATUS)


class LoopWatch:
    """Watches the loop that it is started in."""

    def __init__(self, *, look_seconds: float = 5.0, looks: int = 12, on_blocked: Callable[[str], None] = end_process) -> None:
        """``on_blocked`` is called in the watching thread after so many looks without a beat between them."""
        self._look_seconds = look_seconds
        self._looks = looks
        self._on_blocked = on_blocked
        self._beats = 0
        self._stopped = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread_id = threading.get_ident()

    def start(self) -> None:
        """Begin; call it in the loop."""
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        threading.Thread(target=self._watch, name="loop-watch", daemon=True).start()

    def stop(self) -> None:
        """End the watch."""
        self._stopped.set()

    def _beat(self) -> None:
        self._beats += 1

    def _watch(self) -> None:
        seen, missed = -1, 0
        while not self._stopped.wait(self._look_seconds):
            missed = missed + 1 if self._beats == seen else 0
            seen = self._beats
            if missed >= self._looks:
                self._on_blocked(self._where())
                return
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._beat)

    def _where(self) -> str:
        """``module:line`` of the innermost frame of the loop's thread; no values."""
        frame = sys._current_frames().get(self._thread_id)  # noqa: SLF001  the only way to see another thread's stack
        found = "unknown"
        for inner, line in traceback.walk_stack(frame):
            found = f"{inner.f_globals.get('__name__', 'unknown')}:{line}"
            break
        return found

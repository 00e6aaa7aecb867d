"""Runs a command's coroutine and comes back from it, whatever a library leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
ROUNDS = 10
ROUND_SECONDS = 0.5


def run(work: Coroutine[Any, Any, T]) -> T:
    """Like :func:`asyncio.run`, but tasks that swallow their cancellation cannot keep the process alive.

    Up to Python 3.11 ``asyncio.wait_for`` loses a cancellation that meets its result (python/cpython#86296), and Faust's services wait
    in it: cancelled once, some go on for ever. So they are cancelled again, for five seconds at most.
    """
    with asyncio.Runner() as runner:
        try:
            return runner.run(work)
        finally:
            runner.run(_cancel_what_is_left())


async def _cancel_what_is_left() -> None:
    for _ in range(ROUNDS):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            return
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=ROUND_SECONDS)

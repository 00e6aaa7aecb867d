"""Detection in real processes: what they find, and what happens when one dies or hangs."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from streamgate.adapters.detector_pool import DetectorPool
from streamgate.detect import EntityType
from streamgate.errors import Code, Unavailable

TEXT = "Maria Gonzalez from Munich wrote to peter@example.com about Siemens."
pytestmark = pytest.mark.asyncio(loop_scope="function")


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[DetectorPool]:
    """One process, ready."""
    pool = DetectorPool(workers=1, timeout_seconds=20.0)
    await pool.start()
    await pool.wait_ready()
    yield pool
    await pool.stop()


async def test_patterns_and_model_are_merged(pool: DetectorPool) -> None:
    """A text's names come from the model and its address from a pattern, as spans on the original text."""
    (spans,) = await pool.detect([TEXT])
    found = {TEXT[span.start : span.end]: span.type for span in spans}
    assert found["peter@example.com"] is EntityType.EMAIL
    assert found["Maria Gonzalez"] is EntityType.PERSON


async def test_a_value_found_in_one_text_is_found_in_all(pool: DetectorPool) -> None:
    """Texts of one prompt are looked at together."""
    texts = ["My name is Xanthippe Quillfeather.", "XANTHIPPE QUILLFEATHER gets it back."]
    spans = await pool.detect(texts)
    assert "XANTHIPPE QUILLFEATHER" in {texts[1][span.start : span.end] for span in spans[1]}


async def test_a_killed_process_is_replaced_and_the_request_answered(pool: DetectorPool) -> None:
    """After kill -9 of its process the next request is still answered, by another one."""
    (before,) = pool.pids
    os.kill(before, signal.SIGKILL)
    assert len(await pool.detect([TEXT])) == 1
    assert before not in pool.pids


async def test_killed_in_the_middle_is_tried_once_more(pool: DetectorPool) -> None:
    """A request whose process dies under it is answered by the next process."""
    running = asyncio.create_task(pool.detect([TEXT * 400]))
    while not running.done() and pool.idle:  # noqa: ASYNC110  the pool has no event for it
        await asyncio.sleep(0)
    os.kill(pool.pids[0], signal.SIGKILL)
    (spans,) = await running
    assert spans


async def test_a_process_that_hangs_is_replaced(pool: DetectorPool) -> None:
    """A stopped process is given up after the time-out; the request ends as unavailable and its text is not in the error."""
    hasty = DetectorPool(workers=1, timeout_seconds=1.0)
    await hasty.start()
    await hasty.wait_ready()
    try:
        (stuck,) = hasty.pids
        os.kill(stuck, signal.SIGSTOP)
        with pytest.raises(Unavailable) as raised:
            await hasty.detect([TEXT])
        assert raised.value.code is Code.DETECTOR_UNAVAILABLE
        assert "Maria" not in f"{raised.value!r} {raised.value}"
        assert stuck not in hasty.pids
    finally:
        await hasty.stop()


async def test_nothing_is_passed_when_no_process_can_answer() -> None:
    """A pool that was never started refuses; it does not answer with nothing found."""
    with pytest.raises(Unavailable):
        await DetectorPool(workers=1, timeout_seconds=0.1).detect([TEXT])

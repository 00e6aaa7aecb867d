"""Room for records in progress, shared by partitions."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from hypothesis import given
from hypothesis import strategies as st

from streamgate.topology._slots import Slots


async def held(slots: Slots, stack: AsyncExitStack, partition: int, most: int) -> int:
    """How many slots a partition gets at once."""
    for count in range(most):
        try:
            async with asyncio.timeout(0):
                await stack.enter_async_context(slots.of(partition))
        except TimeoutError:
            return count
    return most


async def test_a_partition_that_is_held_up_leaves_half_of_the_room_to_the_others() -> None:
    """Each of them has its part; what nobody has set aside anyone may take."""
    slots = Slots(16, lambda: 4)
    async with AsyncExitStack() as stack:
        assert await held(slots, stack, 0, 100) == 16 - 3 * 2
        assert [await held(slots, stack, partition, 100) for partition in (1, 2, 3)] == [2, 2, 2]


async def test_one_partition_alone_has_all_of_the_room() -> None:
    """Nothing is set aside for nobody."""
    async with AsyncExitStack() as stack:
        assert await held(Slots(16, lambda: 1), stack, 3, 100) == 16


async def test_what_comes_free_goes_to_who_holds_least() -> None:
    """And whoever was cancelled while waiting holds nothing."""
    slots, began = Slots(2, lambda: 2), []
    ends = {name: asyncio.Event() for name in ("a", "b", "c", "d")}

    async def work(partition: int, name: str) -> None:
        async with slots.of(partition):
            began.append(name)
            await ends[name].wait()

    async with asyncio.TaskGroup() as tasks:
        for partition, name in ((0, "a"), (1, "b"), (0, "c"), (1, "d")):
            task = tasks.create_task(work(partition, name))
            await asyncio.sleep(0)
        task.cancel()
        ends["b"].set()
        ends["a"].set()
        ends["c"].set()
    assert began == ["a", "b", "c"]


@given(st.integers(1, 12), st.integers(1, 6), st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4), st.booleans()), max_size=40))
def test_no_more_than_the_size_and_nobody_is_forgotten(size: int, owned: int, works: list[tuple[int, int, bool]]) -> None:
    """Whatever is begun and cancelled in whatever order, all that was not cancelled is done, and all room comes back."""

    async def run() -> None:
        slots, now, done = Slots(size, lambda: owned), Counter[str](), Counter[str]()

        async def work(partition: int, turns: int) -> None:
            async with slots.of(partition):
                now["now"] += 1
                now["most"] = max(now["most"], now["now"])
                try:
                    for _ in range(turns):
                        await asyncio.sleep(0)
                finally:
                    now["now"] -= 1
            done["done"] += 1

        tasks = []
        for partition, turns, cancelled in works:
            tasks.append(task := asyncio.create_task(work(partition, turns)))
            await asyncio.sleep(0)
            if cancelled:
                task.cancel()
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks, return_exceptions=True)
        assert now["most"] <= size
        assert done["done"] >= sum(1 for _, _, cancelled in works if not cancelled)
        async with AsyncExitStack() as stack:
            assert await held(slots, stack, 0, 1) == 1

    asyncio.run(run())

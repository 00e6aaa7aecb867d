"""Who may be worked on: so many records of a topic at once, and none of its partitions takes all the room from the others."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Slots:
    """Room for ``size`` records at once, over all partitions of a topic.

    Half of it is set aside, in equal parts, for the partitions that the worker owns: where one is held up, by a vault that is away or a
    tenant at its limit, the others go on. What comes free goes to the partition that holds least.
    """

    def __init__(self, size: int, owned: Callable[[], int]) -> None:
        """``owned`` says how many partitions share it."""
        self._size = size
        self._owned = owned
        self._held: Counter[int] = Counter()
        self._waiting: dict[int, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def of(self, partition: int) -> AsyncIterator[None]:
        """Wait for room, and hold it."""
        await self._take(partition)
        try:
            yield
        finally:
            self._give_back(partition)

    async def _take(self, partition: int) -> None:
        if not self._waiting.get(partition) and self._room(partition):
            self._held[partition] += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(partition, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(partition)
            else:
                self._forget(partition, turn)
            raise

    def _room(self, partition: int) -> bool:
        """Whether one more of a partition leaves every other one the part that is set aside for it."""
        owned = max(1, self._owned(), len(self._held))
        part = self._size // (2 * owned)
        mine = self._held[partition] + 1
        others = [held for number, held in self._held.items() if number != partition]
        aside = sum(max(held, part) for held in others) + part * max(0, owned - 1 - len(others))
        return sum(others) + mine <= self._size and (mine <= max(1, part) or mine + aside <= self._size)

    def _give_back(self, partition: int) -> None:
        self._held[partition] -= 1
        if not self._held[partition]:
            del self._held[partition]
        self._hand_on()

    def _hand_on(self) -> None:
        for partition in sorted(self._waiting, key=lambda each: self._held[each]):
            while self._waiting.get(partition) and self._room(partition):
                turn = self._waiting[partition].popleft()
                if not turn.done():
                    self._held[partition] += 1
                    turn.set_result(None)
                self._forget(partition)

    def _forget(self, partition: int, turn: asyncio.Future[None] | None = None) -> None:
        waiting = self._waiting.get(partition)
        if waiting is not None and turn is not None and turn in waiting:
            waiting.remove(turn)
        if not waiting:
            self._waiting.pop(partition, None)

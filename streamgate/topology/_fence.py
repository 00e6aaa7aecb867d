"""The right to write for a partition number: held by one worker of a role at a time, whatever the group's members believe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from aiokafka.errors import KafkaError

from streamgate.adapters.kafka_transaction import KafkaTransactions
from streamgate.errors import Code, Unavailable

_AT_ONCE: Final = 16
_PAUSE_SECONDS: Final = 0.5


def transactional_id(app_id: str, partition: int) -> str:
    """Shared by all workers of a role; whoever takes it shuts the one before out."""
    return f"{app_id}-{partition}"


class Fences:
    """The transactional ids of the partition numbers that this worker owns.

    They are taken anew at every assignment, also for what was owned before: what the last transaction did is certain only then, and neither
    the end of the state topic nor the committed offsets may be looked at before.
    """

    def __init__(self, make: Callable[[int], KafkaTransactions]) -> None:
        """``make`` makes the transactions of a partition number, not connected."""
        self._make = make
        self._held: dict[int, KafkaTransactions] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def take(self, partitions: Iterable[int], wanted: Callable[[], bool]) -> bool:
        """Take the ids of exactly these; waits for a broker that is away. ``False`` when they are not ``wanted`` any more."""
        self.release()
        slots = asyncio.Semaphore(_AT_ONCE)

        async def take_one(partition: int) -> tuple[int, KafkaTransactions] | None:
            async with slots:
                while wanted():
                    transactions = self._make(partition)
                    try:
                        await _while(wanted, transactions.take())
                    except (KafkaError, OSError, TimeoutError):
                        await asyncio.sleep(_PAUSE_SECONDS)
                        continue
                    return partition, transactions
            return None

        taken = [each for each in await asyncio.gather(*map(take_one, partitions)) if each is not None]
        held = wanted()
        self._held = dict(taken)
        if not held:
            self.release()
        return held

    def of(self, partition: int) -> KafkaTransactions:
        """What may be written with; raise ``Unavailable`` where the partition number is not held."""
        try:
            return self._held[partition]
        except KeyError:
            raise Unavailable(Code.FENCED, "the partition is not this worker's") from None

    def release(self) -> None:
        """Write nothing more. Connections close in the background."""
        for transactions in self._held.values():
            task = asyncio.create_task(transactions.release())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        self._held = {}

    async def stop(self) -> None:
        """Release, and wait for the connections to close."""
        self.release()
        if self._closing:
            await asyncio.wait(self._closing)


async def _while(wanted: Callable[[], bool], work: Coroutine[Any, Any, None]) -> None:
    """Cut ``work`` off, with ``TimeoutError``, when it is not wanted any more."""
    task = asyncio.create_task(work)
    while not (await asyncio.wait({task}, timeout=_PAUSE_SECONDS))[0]:
        if not wanted():
            task.cancel()
            await asyncio.wait({task})
            raise TimeoutError
    await task

"""How up to date vault is: implements ``streamgate.pipeline.ports.freshness`` from the ends of topics and the ledgers' positions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from aiokafka.errors import KafkaError

from streamgate.effects import Clock
from streamgate.errors import Code, Unavailable
from streamgate.types import Topic

_ASK_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.02
WATCHED: Final = (Topic.CONSENTS, Topic.SUBJECT_REQUESTS)


class Inputs(Protocol):
    """What freshness asks of the runtime and its consumer. Topics are logical names."""

    def owned(self) -> frozenset[int]:
        """Partition numbers this worker owns."""
        ...

    async def ends(self, topics: tuple[str, ...], partitions: frozenset[int]) -> Mapping[tuple[str, int], int]:
        """End offsets, asked from the broker now (read committed: the last stable offset)."""
        ...

    async def decided_to(self, topic: str, partition: int, end: int) -> bool:
        """Whether everything below ``end`` is decided and acknowledged."""
        ...

    def position(self, topic: str, partition: int) -> int | None:
        """The first offset not decided."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """All input topics of the role."""
        ...


OnFresh = Callable[[int, int, int], Awaitable[None]]
"""Told partition, time (ms) and consents offset, about twice a second per partition."""


@dataclass(frozen=True, slots=True)
class _Target:
    """Ends of one partition's watched topics: when all below is decided, everything up to ``asked_ms`` is known."""

    asked_ms: int
    ends: Mapping[str, int]


@dataclass(slots=True)
class _Known:
    read_until_ms: int = 0
    consents_offset: int = 0
    told_at: float = float("-inf")
    asked_at: float = float("-inf")
    target: _Target | None = None
    """Not reached yet. The partition waits for it alone; the others go on."""


class InputFreshness:
    """See the port. Knows nothing until bound and run."""

    def __init__(self) -> None:
        """Unbound."""
        self._known: dict[int, _Known] = {}
        self._inputs: Inputs | None = None
        self._moved = asyncio.Event()

    def bind(self, inputs: Inputs) -> None:
        """Ask ``inputs`` from now on."""
        self._inputs = inputs

    def read_until_ms(self, partition: int) -> int:
        """See the port."""
        known = self._known.get(partition)
        return known.read_until_ms if known else 0

    def consents_offset(self, partition: int) -> int:
        """See the port."""
        position = self._inputs.position(Topic.CONSENTS, partition) if self._inputs else None
        known = self._known.get(partition)
        return max(position or 0, known.consents_offset if known else 0)

    async def wait(self, partition: int, not_before_ms: int, timeout_seconds: float) -> bool:
        """See the port."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while self.read_until_ms(partition) < not_before_ms:
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    async def input_ends(self, partition: int) -> Mapping[str, int]:
        """See the port."""
        if self._inputs is None:
            raise Unavailable(Code.INTERNAL_ERROR, "the worker has not started")
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                ends = await self._inputs.ends(self._inputs.topics, frozenset({partition}))
        except (KafkaError, TimeoutError):
            raise Unavailable(Code.BROKER_UNAVAILABLE, "the broker does not say where topics end") from None
        return {topic: end for (topic, _), end in ends.items()}

    async def run(self, clock: Clock, every_seconds: float, watermark_seconds: float, on_fresh: OnFresh | None) -> None:
        """Look again and again until cancelled. A look that fails leaves everything as old as it is: readers then wait or refuse."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._inputs is None:
                continue
            try:
                async with asyncio.timeout(_ASK_SECONDS):
                    await self._look(self._inputs, clock, every_seconds)
            except Exception:  # noqa: BLE001, S112  revoked meanwhile or the broker is away: staleness is the report, by design
                continue
            if on_fresh is not None:
                await self._tell(clock, watermark_seconds, on_fresh)

    async def _look(self, inputs: Inputs, clock: Clock, every_seconds: float) -> None:
        owned = inputs.owned()
        for partition in [p for p in self._known if p not in owned]:
            del self._known[partition]
        now = clock.monotonic()
        known = {partition: self._known.setdefault(partition, _Known()) for partition in owned}
        due = frozenset(p for p, k in known.items() if k.target is None and now - k.asked_at >= every_seconds)
        if due:
            asked_ms = clock.now_ms()
            topics = tuple(str(topic) for topic in WATCHED if topic in inputs.topics)
            ends = await inputs.ends(topics, due)
            for partition in due:
                known[partition].asked_at = now
                known[partition].target = _Target(asked_ms, {topic: ends.get((topic, partition), 0) for topic in topics})
        for partition, each in known.items():
            if each.target is not None and await self._reached(inputs, partition, each.target):
                self._learn(each, each.target)

    def _learn(self, known: _Known, target: _Target) -> None:
        known.read_until_ms = max(known.read_until_ms, target.asked_ms)
        known.consents_offset = max(known.consents_offset, target.ends.get(Topic.CONSENTS, 0))
        known.target = None
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    @staticmethod
    async def _reached(inputs: Inputs, partition: int, target: _Target) -> bool:
        for topic, end in target.ends.items():
            if not await inputs.decided_to(topic, partition, end):
                return False
        return True

    async def _tell(self, clock: Clock, watermark_seconds: float, on_fresh: OnFresh) -> None:
        now = clock.monotonic()
        due = [(p, k) for p, k in self._known.items() if k.read_until_ms and now - k.told_at >= watermark_seconds * 0.9]
        for _, known in due:
            known.told_at = now
        await asyncio.gather(*(on_fresh(p, k.read_until_ms, k.consents_offset) for p, k in due), return_exceptions=True)

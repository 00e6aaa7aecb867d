"""A clock that moves when told, randomness that repeats itself, and waiting that takes no time."""

from __future__ import annotations

import asyncio
import hashlib


class FakeClock:
    """Implements ``streamgate.effects.Clock``; :meth:`advance` is the only thing that moves it."""

    def __init__(self, now_ms: int = 1_750_000_000_000) -> None:
        self._now_ms = float(now_ms)
        self._monotonic = 1000.0

    def now_ms(self) -> int:
        return int(self._now_ms)

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Time goes by."""
        self._now_ms += seconds * 1000
        self._monotonic += seconds


class SeededEntropy:
    """Implements ``streamgate.effects.Entropy``; the same seed gives the same bytes, SHA-256(seed, counter) one after another."""

    def __init__(self, seed: int | str = 0) -> None:
        self._seed = str(seed).encode()
        self._count = 0
        self._pool = b""

    def token_bytes(self, size: int) -> bytes:
        while len(self._pool) < size:
            self._pool += hashlib.sha256(self._seed + b":" + str(self._count).encode()).digest()
            self._count += 1
        drawn, self._pool = self._pool[:size], self._pool[size:]
        return drawn


class FakeSleeper:
    """Implements ``streamgate.effects.Sleeper``: notes what was asked, moves the clock, and gives way once."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)
        await asyncio.sleep(0)

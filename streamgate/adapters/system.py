"""The real clock, randomness and waiting of the operating system."""

from __future__ import annotations

import asyncio
import os
import time


class SystemClock:
    """Implements ``streamgate.effects.Clock``."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Wall-clock time in milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin."""
        return time.monotonic()


class SystemEntropy:
    """Implements ``streamgate.effects.Entropy`` with the kernel's generator."""

    __slots__ = ()

    def token_bytes(self, size: int) -> bytes:
        """``size`` bytes fit for keys."""
        return os.urandom(size)


class SystemSleeper:
    """Implements ``streamgate.effects.Sleeper`` on the running event loop."""

    __slots__ = ()

    async def sleep(self, seconds: float) -> None:
        """Give way to other tasks for at least ``seconds``."""
        await asyncio.sleep(seconds)

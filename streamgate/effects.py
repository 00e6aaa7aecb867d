"""The three effects the core may not cause itself: reading a clock, drawing randomness, waiting.

Each is a port with one real implementation (``streamgate.adapters.system``) and one fake (``tests.fakes.effects``).
"""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Wall-clock time in milliseconds since the Unix epoch (UTC), for what is written down or compared between processes."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin that never go back, for measuring how long something took."""
        ...


class Entropy(Protocol):
    """Draws bytes fit for keys."""

    def token_bytes(self, size: int) -> bytes:
        """``size`` bytes from a cryptographically secure source."""
        ...


class Sleeper(Protocol):
    """Waits."""

    async def sleep(self, seconds: float) -> None:
        """Give way to other tasks for at least ``seconds``; cancellation is passed on."""
        ...

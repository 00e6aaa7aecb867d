"""Whether and when to call again. Pure: randomness and the time left are passed in; the SDK's own retries are off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streamgate.errors import ConfigError
from streamgate.provider._failure import CallFailed

_MOST: Final = 10.0
_EARNED: Final = 0.2


@dataclass(slots=True)
class RetryBudget:
    """Calls made again are at most a fifth of all, and ten: a provider that is down gets less to do, not more (gRPC A6)."""

    _left: float = _MOST

    def earn(self) -> bool:
        """A first call is made; it always may be."""
        self._left = min(_MOST, self._left + _EARNED)
        return True

    def spend(self) -> bool:
        """Whether a call may be made again."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with jitter between half and the whole of each step, never earlier than the provider asked for."""

    max_attempts: int = 4
    """Calls, the first included."""
    first_delay_seconds: float = 0.5
    longest_delay_seconds: float = 20.0
    """Of our own; ``retry-after`` may be longer."""

    def __post_init__(self) -> None:
        """Fail when built, not when first used."""
        if self.max_attempts < 1 or not 0 < self.first_delay_seconds <= self.longest_delay_seconds:
            raise ConfigError(("retry policy: attempts and delays must be positive, and the first delay no longer than the longest",))

    def next_delay(self, attempts: int, failure: CallFailed, left_seconds: float, random_bytes: bytes) -> float | None:
        """Seconds to wait after ``attempts`` calls, or ``None`` when there is no further one.

        There is none when the failure is final, when the attempts are used up, or when the wait would reach the deadline.
        """
        if not failure.retryable or attempts >= self.max_attempts:
            return None
        step = min(self.longest_delay_seconds, self.first_delay_seconds * 2.0 ** min(attempts - 1, 60))
        share = int.from_bytes(random_bytes[:8], "big") / 256 ** max(1, len(random_bytes[:8]))
        delay = step * (0.5 + 0.5 * share)
        if failure.retry_after_seconds is not None:
            # Spread over half a step, so that all who were told the same time do not come back at once.
            delay = max(delay, failure.retry_after_seconds + step * 0.5 * share)
        return delay if delay < left_seconds else None

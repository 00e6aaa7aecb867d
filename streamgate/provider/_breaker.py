"""Stops calling a model that is down. Pure; the time is passed in.

====================  =============================================================================================
closed                calls pass; :data:`TOLERATED` failures in a row open it
open                  nothing passes until the pause is over; pauses double from the first to the longest
half open             after the pause one call passes per pause; a success closes, a failure opens with a longer pause
====================  =============================================================================================

Only failures that say something about the provider count (see :data:`COUNTED`): a refused prompt is no sign of an outage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streamgate.provider._failure import Reason

TOLERATED: Final = 5
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
COUNTED: Final = frozenset({Reason.OVERLOADED, Reason.SERVER_ERROR, Reason.TIMEOUT, Reason.CONNECTION, Reason.UNTRUSTED})


@dataclass(slots=True)
class Breaker:
    """The breaker of one model."""

    _failures: int = 0
    _pause_seconds: float = 0.0
    """Zero while closed."""
    _closed_to: float = float("-inf")
    """Nothing passes before this time."""
    _probing: bool = False

    def wait_seconds(self, now: float) -> float:
        """Zero when a call may be made now."""
        return max(0.0, self._closed_to - now)

    def passed(self, now: float) -> None:
        """A call is about to be made; while half open it is the probe, and the next one waits for a pause."""
        if self._pause_seconds > 0:
            self._probing, self._closed_to = True, now + self._pause_seconds

    def succeeded(self) -> None:
        """The provider answered."""
        self._failures, self._pause_seconds, self._closed_to, self._probing = 0, 0.0, float("-inf"), False

    def failed(self, reason: Reason, now: float) -> None:
        """A call failed. While open, failures of calls that were already under way change nothing."""
        if reason not in COUNTED:
            return
        self._failures += 1
        closed = self._pause_seconds == 0
        if self._probing or (closed and self._failures >= TOLERATED):
            self._pause_seconds = FIRST_PAUSE_SECONDS if closed else min(self._pause_seconds * 2, LONGEST_PAUSE_SECONDS)
            self._closed_to, self._probing = now + self._pause_seconds, False

"""Whether a worker makes progress, and when it should give up so that whoever supervises it starts another. Pure: it is told what is seen.

=============================================  ===================  =========================
what is seen                                   not ready after      gives up after
=============================================  ===================  =========================
not joined to the group, or state not read     at once              ``joining_seconds``
a batch of decisions that Kafka has not taken  ``slow_seconds``     ``stuck_seconds``
the broker does not answer                     ``silence_seconds``  ``lost_seconds``
=============================================  ===================  =========================

A record that waits in its own preparation is no stall: its stage and the runtime bound that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_JOINING: Final = "joining the group or recovering state"
_SLOW: Final = "kafka has not taken what was decided"
_SILENT: Final = "kafka does not answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchLimits:
    """Times of the table."""

    joining_seconds: float = 600.0
    slow_seconds: float = 10.0
    stuck_seconds: float = 90.0
    silence_seconds: float = 15.0
    lost_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of a worker at one moment."""

    joined: bool
    batch_since: float | None
    """When the oldest batch that is being carried out now was begun."""
    answered_at: float
    """When the broker answered last."""


class Watch:
    """Remembers since when something is wrong."""

    def __init__(self, limits: WatchLimits, now: float) -> None:
        """``now``, here and below: seconds of a monotonic clock."""
        self._limits = limits
        self._joining_since: float | None = now
        self._seen = Seen(joined=False, batch_since=None, answered_at=now)

    def look(self, seen: Seen, now: float) -> None:
        """Take note."""
        if seen.joined:
            self._joining_since = None
        elif self._joining_since is None:
            self._joining_since = now
        self._seen = seen

    def reasons(self, now: float) -> tuple[str, ...]:
        """Why the worker is not ready; empty when it is."""
        limits, seen = self._limits, self._seen
        found = []
        if self._joining_since is not None:
            found.append(_JOINING)
        if seen.batch_since is not None and now - seen.batch_since > limits.slow_seconds:
            found.append(_SLOW)
        if now - seen.answered_at > limits.silence_seconds:
            found.append(_SILENT)
        return tuple(found)

    def hopeless(self, now: float) -> str | None:
        """Why it should give up, or ``None``."""
        limits, seen = self._limits, self._seen
        if self._joining_since is not None and now - self._joining_since > limits.joining_seconds:
            return _JOINING
        if seen.batch_since is not None and now - seen.batch_since > limits.stuck_seconds:
            return _SLOW
        if now - seen.answered_at > limits.lost_seconds:
            return _SILENT
        return None

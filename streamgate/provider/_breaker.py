"""Stops calling a model at a provider that is down: a table of states and events, and the pauses between them. Pure; the time is passed in.

==============  ==========================================================================================
closed          calls pass
open            nothing passes until the pause is over
half open       the pause is over: one call passes, to see whether the provider is back
probing         that call is under way: nothing else passes until it ends, or for one more pause
==============  ==========================================================================================

:data:`TOLERATED` failures in a row are an outage. Pauses double from the first to the longest. Only failures that say something about the
provider count (see :data:`COUNTED`): a refused prompt is no sign of an outage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final

from streamgate.provider._failure import Reason

TOLERATED: Final = 5
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
COUNTED: Final = frozenset({Reason.OVERLOADED, Reason.SERVER_ERROR, Reason.TIMEOUT, Reason.CONNECTION, Reason.UNTRUSTED})


@unique
class State(StrEnum):
    """What may be called."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    PROBING = "probing"


@unique
class Event(StrEnum):
    """What happens."""

    CALLED = "called"
    """A call is about to be made."""
    ANSWERED = "answered"
    FAILED = "failed"
    """A call failed in a way that counts."""
    OUTAGE = "outage"
    """It was one failure too many."""
    PAUSE_OVER = "pause_over"


TABLE: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (State.CLOSED, Event.CALLED): State.CLOSED,
        (State.CLOSED, Event.ANSWERED): State.CLOSED,
        (State.CLOSED, Event.FAILED): State.CLOSED,
        (State.CLOSED, Event.OUTAGE): State.OPEN,
        (State.OPEN, Event.ANSWERED): State.CLOSED,  # a call that was under way
        (State.OPEN, Event.FAILED): State.OPEN,  # likewise: it says nothing new
        (State.OPEN, Event.PAUSE_OVER): State.HALF_OPEN,
        (State.HALF_OPEN, Event.CALLED): State.PROBING,
        (State.HALF_OPEN, Event.ANSWERED): State.CLOSED,
        (State.HALF_OPEN, Event.FAILED): State.HALF_OPEN,
        (State.PROBING, Event.ANSWERED): State.CLOSED,
        (State.PROBING, Event.FAILED): State.OPEN,
        (State.PROBING, Event.PAUSE_OVER): State.HALF_OPEN,  # the probe was not made, or failed in a way that does not count
    }
)
"""What is not here cannot happen, and raises :class:`IllegalMove`."""


class IllegalMove(Exception):
    """A call was made that the breaker does not let pass: a mistake of ours."""


@dataclass(slots=True)
class Breaker:
    """The breaker of one model at one provider."""

    _state: State = State.CLOSED
    _failures: int = 0
    """In a row, while closed."""
    _pause_seconds: float = 0.0
    _until: float = float("-inf")
    """When the pause is over, while open or probing."""

    def state(self, now: float) -> State:
        """The state at a time."""
        if self._state in {State.OPEN, State.PROBING} and now >= self._until:
            self._move(Event.PAUSE_OVER)
        return self._state

    def wait_seconds(self, now: float) -> float:
        """Zero when a call may be made now."""
        return max(0.0, self._until - now) if self.state(now) in {State.OPEN, State.PROBING} else 0.0

    def passed(self, now: float) -> None:
        """A call is about to be made; raise :class:`IllegalMove` where it may not."""
        self.state(now)
        if self._move(Event.CALLED) is State.PROBING:
            self._until = now + self._pause_seconds

    def succeeded(self) -> None:
        """The provider answered."""
        self._move(Event.ANSWERED)
        self._failures, self._pause_seconds = 0, 0.0

    def failed(self, reason: Reason, now: float) -> None:
        """A call failed."""
        if reason not in COUNTED:
            return
        before = self.state(now)
        self._failures += 1
        outage = before is State.CLOSED and self._failures >= TOLERATED
        if self._move(Event.OUTAGE if outage else Event.FAILED) is State.OPEN and before is not State.OPEN:
            self._pause_seconds = min(max(self._pause_seconds * 2, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
            self._until = now + self._pause_seconds

    def _move(self, event: Event) -> State:
        after = TABLE.get((self._state, event))
        if after is None:
            raise IllegalMove(f"{event.value} while {self._state.value}")
        self._state = after
        return after

"""How a newcomer learns the state of the log without having read all of it. Pure; the time is passed in.

A newcomer reads what was written in the last window, announces that it joins, and keeps what comes after that. One of those who know the
state answers with it, as it was at the announcement's place; the newcomer applies the rest and knows it too.

Where nobody is left who knows it, a newcomer founds it anew: nobody holds anything, and what the dead have charged fades. A foundation
counts only where, since its author looked last, nobody who knows the state was heard: whoever reads the log can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from streamgate.provider._pool import Announcement, Ghost, Holding, Pool, Replica

FOUNDING: Final = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A replica of a state that is told: its last announcement's number, how long ago it was heard, and what it holds."""

    number: int
    age_seconds: float
    holdings: Mapping[str, Holding]


@dataclass(frozen=True, slots=True)
class State:
    """A state that is told."""

    sender: str
    to: str
    """The newcomer; :data:`FOUNDING` for every one."""
    at: int
    """Number of the newcomer's announcement at whose place it held; of a foundation, the last offset that its author had read."""
    replicas: Mapping[str, Known]
    ghosts: tuple[Ghost, ...]
    """``ends`` counts from the moment of telling."""
    buried_at: int = -1


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of the log."""

    offset: int
    stamp_ms: int
    """When it was written, by one clock for all of the log."""
    said: Announcement | State


def told(pool: Pool, sender: str, to: str, at: int, now: float) -> State:
    """A state, to be told."""
    replicas = {
        name: Known(each.number, max(0.0, now - each.heard_at), {key: replace(held) for key, held in each.holdings.items()})
        for name, each in pool.replicas.items()
    }
    return State(
        sender, to, at, replicas, tuple(Ghost(g.name, g.amount, g.ends - now) for g in pool.fading if g.ends > now), pool.buried_at
    )


def taken(state: State, now: float) -> Pool:
    """The state that was told."""
    replicas = {
        name: Replica(each.number, now - each.age_seconds, {key: replace(held) for key, held in each.holdings.items()})
        for name, each in state.replicas.items()
    }
    return Pool(replicas, [Ghost(ghost.name, ghost.amount, now + ghost.ends) for ghost in state.ghosts], state.buried_at)


@dataclass(slots=True)
class Newcomer:
    """A replica that does not know the state yet."""

    replica: str
    _before: list[Entry] = field(default_factory=list)
    """Read before its own first announcement."""
    _after: list[tuple[Entry, float]] = field(default_factory=list)
    _starts: dict[int, int] = field(default_factory=dict)
    """How many of them were read before each of its own announcements."""
    _past: Pool = field(default_factory=Pool)
    """What the history says of those who may be dead."""
    _heard_at: float = float("-inf")
    """When somebody who knows the state was heard last."""

    def hear(self, entry: Entry, now: float) -> Pool | None:
        """The next record; returns the state when it is known."""
        said = entry.said
        if isinstance(said, Announcement):
            if said.joining and said.replica == self.replica:
                self._joined(entry, now)
            elif not self._starts:
                self._before.append(entry)
            else:
                self._after.append((entry, now))
                if not said.joining:
                    self._heard_at = now
            return None
        if said.to != self.replica or said.at not in self._starts:
            return None
        pool = taken(said, now)
        for later, heard_at in self._after[self._starts[said.at] :]:
            if isinstance(later.said, Announcement):
                pool.apply(later.said, later.offset, heard_at)
        return pool

    def founds(self, offset: int, silence_seconds: float, now: float) -> State | None:
        """A foundation, where nobody is left; ``offset`` is the last one read."""
        if not self._starts or now - self._heard_at < silence_seconds:
            return None
        self._past.bury_all(now)
        return told(self._past, self.replica, FOUNDING, offset, now)

    def _joined(self, entry: Entry, now: float) -> None:
        if not self._starts:
            self._remember(entry.stamp_ms, now)
        if isinstance(entry.said, Announcement):
            self._starts[entry.said.number] = len(self._after)

    def _remember(self, stamp_ms: int, now: float) -> None:
        """What was read before, at the times when it was written."""
        for entry in self._before:
            at = now - max(0, stamp_ms - entry.stamp_ms) / 1000
            if isinstance(entry.said, Announcement):
                self._past.apply(entry.said, entry.offset, at)
                alive = bool(self._past.replicas)
                self._heard_at = at if alive else float("-inf")
            elif entry.said.to == FOUNDING:
                self._past.bury_all(at)
        self._before.clear()

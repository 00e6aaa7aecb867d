"""One replica's part in a shared allowance: what it announces, and what it may use. Pure; time and chance are passed in.

A member holds only what it has read back, and only for :data:`LEASE` periods after it announced: a process that was stopped and wakes up
finds its lease over before anybody else may have been granted what it held, which takes :data:`DEATH` periods of silence.

Each member computes the same fair shares from the same demands, gives back what it holds beyond its own and does not need, and asks for
what it lacks. So the sum is the limit when there is demand for it, and no member waits for another's decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from streamgate.provider._amount import NOTHING, Amount
from streamgate.provider._join import FOUNDING, Entry, Newcomer, State, taken, told
from streamgate.provider._pool import Announcement, Pool, Report
from streamgate.provider._want import Need, Stuck, matters, report, share

LEASE: Final = 3.0
DEATH: Final = 4.0
CROWD: Final = 100
"""Up to so many members announce once a second; more announce less often, so that the topic carries no more."""
HURRY_SECONDS: Final = 0.1
"""A change is announced at once, but no more often than this."""

Said = Announcement | State


@dataclass(slots=True)
class Member:
    """One replica."""

    replica: str
    _pool: Pool | None = None
    """``None`` until it is known."""
    _newcomer: Newcomer = field(init=False)
    _answers: list[State] = field(default_factory=list)
    _number: int = 0
    _sent: dict[int, tuple[float, Mapping[str, Report]]] = field(default_factory=dict)
    """Announcements that have not been read back, and when they were sent. What they give back is given from then on."""
    _leased_at: float = float("-inf")
    _announced_at: float = float("-inf")
    _founded_at: float = float("-inf")
    _stuck: dict[str, Stuck] = field(default_factory=dict)
    _shares: dict[str, Amount] = field(default_factory=dict)
    _offset: int = -1
    _known_offset: int = -1
    """Of the last record by somebody who knows the state."""

    def __post_init__(self) -> None:
        """Know nothing."""
        self._newcomer = Newcomer(self.replica)

    @property
    def period(self) -> float:
        """Seconds between two announcements."""
        return 1.0 if self._pool is None else max(1.0, self._pool.count / CROWD)

    def announce(self, needs: Mapping[str, Need], now: float, chance: float = 0.5) -> list[Said]:
        """What is to be written now. ``chance`` is a random number between 0 and 1."""
        if self._pool is None:
            return self._join(now)
        answers, self._answers = self._answers, []
        reports = {name: report(self._pool, self.replica, name, need, now) for name, need in needs.items()}
        for name, need in needs.items():
            stuck = self._stuck.setdefault(name, Stuck())
            spare = self._pool.held(self.replica, name) - need.charged
            if stuck.gives_way(need, spare, now, self.period, chance):
                reports[name] = stuck.without_spare(reports[name], need)
        since = now - self._announced_at
        changed = any(matters(self._pool, self.replica, name, each) for name, each in reports.items())
        if since < self.period and not (changed and since >= HURRY_SECONDS * self.period):
            return [*answers]
        self._shares = {name: share(self._pool, self.replica, name, need.limit, now) for name, need in needs.items()}
        dead = tuple(each for each in self._pool.silent(now, DEATH * self.period) if each[0] != self.replica)
        return [*answers, self._announcement(reports, now, dead)]

    def leave(self, needs: Mapping[str, Need], now: float) -> list[Said]:
        """The last announcement: what is held is given back."""
        self._leased_at = float("-inf")
        if self._pool is None:
            return []
        used = {name: Report(need.limit, need.charged, NOTHING, need.used) for name, need in needs.items()}
        last = self._announcement(used, now, ())
        return [Announcement(last.replica, last.number, last.reports, last.read, leaving=True)]

    def hear(self, entry: Entry, now: float) -> None:
        """The next record of the log, whoever wrote it."""
        said, self._offset = entry.said, entry.offset
        if isinstance(said, State) and said.to == FOUNDING:
            if self._known_offset <= said.at:
                self._pool, self._leased_at = taken(said, now), float("-inf")
                self._known_offset = entry.offset
            return
        if self._pool is None:
            self._pool = self._newcomer.hear(entry, now)
        elif isinstance(said, Announcement):
            self._apply(self._pool, said, entry.offset, now)
        if isinstance(said, State) or not said.joining:
            self._known_offset = entry.offset

    def holds(self, name: str, now: float) -> Amount:
        """What may be charged in the window, all together; nothing where the lease is over or the replica was declared dead."""
        if self._pool is None or now - self._leased_at >= LEASE * self.period:
            return NOTHING
        held = self._pool.held(self.replica, name)
        for _, reports in self._sent.values():
            if name in reports:
                held = held.at_most(reports[name].wants)
        return held

    def share(self, name: str, limit: Amount) -> Amount:
        """What it would hold if it had use for it, as things were when it announced itself last."""
        return limit.at_most(self._shares.get(name, limit))

    def others(self, name: str) -> Amount:
        """What the other replicas have charged in the window, as far as it is known."""
        return NOTHING if self._pool is None else self._pool.others(self.replica, name)

    @property
    def joined(self) -> bool:
        """Whether it knows the state."""
        return self._pool is not None

    @property
    def replicas(self) -> int:
        """How many are alive, as far as it knows."""
        return 0 if self._pool is None else self._pool.count

    def _apply(self, pool: Pool, said: Announcement, offset: int, now: float) -> None:
        if said.joining:
            alive = sorted(pool.replicas)
            # Whoever asks again asks somebody else: the first may be dead.
            if said.replica != self.replica and alive and alive[(said.number - 1) % len(alive)] == self.replica:
                self._answers.append(told(pool, self.replica, said.replica, said.number, now))
            return
        pool.apply(said, offset, now)
        if said.replica == self.replica and (sent := self._sent.get(said.number)) is not None:
            self._leased_at = max(self._leased_at, sent[0])
            self._sent = {number: each for number, each in self._sent.items() if number > said.number}

    def _join(self, now: float) -> list[Said]:
        founding = self._newcomer.founds(self._offset, DEATH * self.period, now)
        last = self._announced_at if founding is None else self._founded_at
        if now - last < self.period:
            return []
        if founding is not None:
            self._founded_at = now
            return [founding]
        self._announced_at = now
        self._number += 1
        return [Announcement(self.replica, self._number, {}, joining=True)]

    def _announcement(self, reports: Mapping[str, Report], now: float, dead: tuple[tuple[str, int], ...]) -> Announcement:
        self._number += 1
        self._announced_at = now
        self._sent[self._number] = now, reports
        return Announcement(self.replica, self._number, reports, self._offset, dead)

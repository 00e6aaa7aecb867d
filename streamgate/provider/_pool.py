"""One allowance shared by any number of replicas, as a function of a log that all of them read. No I/O; the time is passed in.

Every replica writes announcements to one topic partition and applies all of them, its own included, in the order of the log. So all compute
the same state without a leader: an announcement that asks for more is granted what is free at its place in the log, and its sender learns
what it got by reading it back. Giving back always takes effect before somebody else takes it, because it stands earlier in the log.

What is shared is room in the window of the last sixty seconds (``_window``), in requests and in tokens: a replica may have charged no more
than it holds, and the holdings never exceed the limit.

- A newcomer takes the state over from somebody who knows it (``_member``), as it was at one place of the log.
- A replica is declared dead by another (``Announcement.dead``), with the number of the last announcement that was heard of it; that counts
  only where it stands before any later one. What it held is free then, but for its ghost: the charges that still stand in the window.
- Ghosts fade by the clock of whoever asks, so an announcement says how large its sender thinks they are, and all believe that figure.
- No clock of another replica is trusted: times are those of hearing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from streamgate.provider._amount import NOTHING, Amount
from streamgate.provider._window import MARGIN_SECONDS, SLICE_SECONDS, SLICES, WINDOW_SECONDS


@dataclass(frozen=True, slots=True)
class Report:
    """What a replica says of one shared allowance."""

    limit: Amount
    """As its settings say; less what others than the replicas use."""
    wants: Amount
    """Room that it wants to hold from now on. What it holds beyond that it gives back."""
    demand: Amount = NOTHING
    """What it could use: charged in the window, and waiting."""
    used: tuple[Amount, ...] = ()
    """Charged in the window, by slices."""
    ghosts: Amount = NOTHING
    """What it thinks the dead have charged in the window."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One record of the log."""

    replica: str
    number: int
    """Grows with every announcement of the replica."""
    reports: Mapping[str, Report]
    """By the name of what is shared."""
    read: int = -1
    """The last offset that its sender had read. Where somebody was buried later, it asks for more without knowing of the ghost, and gets
    nothing."""
    dead: tuple[tuple[str, int], ...] = ()
    """Replicas of which nothing was heard for too long, and the number of what was heard last."""
    joining: bool = False
    """The sender does not know the state; it asks for it."""
    leaving: bool = False


@dataclass(slots=True)
class Holding:
    """What one replica holds of one limit."""

    held: Amount = NOTHING
    demand: Amount = NOTHING
    used: tuple[Amount, ...] = ()


@dataclass(slots=True)
class Replica:
    """A replica that is alive."""

    number: int
    heard_at: float
    holdings: dict[str, Holding] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ghost:
    """Charges of a replica that is no more: they leave the window one slice after another."""

    name: str
    amount: Amount
    ends: float


@dataclass(slots=True)
class Pool:
    """The state after some prefix of the log."""

    replicas: dict[str, Replica] = field(default_factory=dict)
    fading: list[Ghost] = field(default_factory=list)
    buried_at: int = -1
    """The offset at which somebody was buried last."""
    _totals: dict[str, Amount] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Count what is held."""
        for replica in self.replicas.values():
            for name, holding in replica.holdings.items():
                self._totals[name] = self._totals.get(name, NOTHING) + holding.held

    def apply(self, heard: Announcement, offset: int, now: float) -> None:
        """The next announcement of the log, heard at ``now`` (seconds of a monotonic clock)."""
        for replica, number in heard.dead:
            known = self.replicas.get(replica)
            if known is not None and known.number == number and replica != heard.replica:
                self._bury(replica, now)
                self.buried_at = offset
        sender = self.replicas.get(heard.replica)
        if sender is not None and heard.number <= sender.number:
            return
        if sender is None:
            sender = self.replicas[heard.replica] = Replica(heard.number, now)
        sender.number, sender.heard_at = heard.number, now
        for name, report in heard.reports.items():
            self._grant(sender.holdings.setdefault(name, Holding()), name, report, grows=heard.read >= self.buried_at)
        if heard.leaving:
            self._bury(heard.replica, now)
            self.buried_at = offset

    def held(self, replica: str, name: str) -> Amount:
        """What a replica holds."""
        known = self.replicas.get(replica)
        holding = known.holdings.get(name) if known is not None else None
        return NOTHING if holding is None else holding.held

    def number(self, replica: str) -> int | None:
        """The number of the last announcement heard of a replica; ``None`` where it is not known, or was declared dead."""
        known = self.replicas.get(replica)
        return None if known is None else known.number

    def ghosts(self, name: str, now: float) -> Amount:
        """What the dead have charged and still stands in the window."""
        self.fading = [ghost for ghost in self.fading if ghost.ends > now]
        return sum((ghost.amount for ghost in self.fading if ghost.name == name), NOTHING)

    def free(self, name: str, limit: Amount, ghosts: Amount) -> Amount:
        """What nobody holds; never below zero."""
        return (limit - self._totals.get(name, NOTHING) - ghosts).at_least(NOTHING)

    def silent(self, now: float, seconds: float) -> tuple[tuple[str, int], ...]:
        """Replicas of which nothing was heard for so long."""
        return tuple((name, each.number) for name, each in self.replicas.items() if now - each.heard_at > seconds)

    def demands(self, name: str) -> Iterator[tuple[str, Amount]]:
        """Every replica's demand."""
        for replica, known in self.replicas.items():
            holding = known.holdings.get(name)
            if holding is not None:
                yield replica, holding.demand

    def others(self, replica: str, name: str) -> Amount:
        """What all but one have charged in the window, the dead included, as far as they have told."""
        found = sum((ghost.amount for ghost in self.fading if ghost.name == name), NOTHING)
        for other, known in self.replicas.items():
            holding = known.holdings.get(name)
            if other != replica and holding is not None:
                found = sum(holding.used, found)
        return found

    @property
    def count(self) -> int:
        """How many replicas are alive."""
        return len(self.replicas)

    def _grant(self, holding: Holding, name: str, report: Report, *, grows: bool) -> None:
        lacks = (report.wants - holding.held).at_least(NOTHING)
        more = lacks.at_most(self.free(name, report.limit, report.ghosts)) if grows else NOTHING
        held = holding.held.at_most(report.wants) + more
        self._totals[name] = self._totals.get(name, NOTHING) - holding.held + held
        holding.held, holding.demand, holding.used = held, report.demand, report.used

    def bury_all(self, now: float) -> None:
        """Nobody is alive."""
        for replica in list(self.replicas):
            self._bury(replica, now)

    def _bury(self, replica: str, now: float) -> None:
        """What it held becomes free; what it has charged, or may have since it was heard last, fades."""
        known = self.replicas.pop(replica)
        for name, holding in known.holdings.items():
            self._totals[name] = self._totals[name] - holding.held
            # What left its window since it was heard last, it may have charged again; and what it held and had not used.
            kept = holding.used[: SLICES - 1]
            unknown = (holding.held - sum(kept, NOTHING)).at_least(NOTHING)
            self.fading.append(Ghost(name, unknown, now + WINDOW_SECONDS + MARGIN_SECONDS))
            for number, amount in enumerate(kept):
                # A slice is as young as it may have been when it was told.
                self.fading.append(Ghost(name, amount, known.heard_at + (SLICES - number) * SLICE_SECONDS + MARGIN_SECONDS))
        self.fading = [ghost for ghost in self.fading if ghost.amount != NOTHING]

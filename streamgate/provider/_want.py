"""What a replica wants of a shared limit, from what it knows of itself and of the others. Pure; time and chance are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streamgate.provider._amount import NOTHING, Amount
from streamgate.provider._fair import fair_share
from streamgate.provider._pool import Pool, Report

IDLE: Final = 0.05
"""Of the limit: what all replicas together hold without using it, so that a first call need not wait until it has announced itself."""
BUSY: Final = 0.8
"""Of the limit: where more than this is wanted, nobody holds anything that it does not use."""
STUCK_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Need:
    """What a replica knows of itself, of one limit."""

    limit: Amount
    used: tuple[Amount, ...]
    """Charged in the window, by slices, the youngest first."""
    waiting: Amount = NOTHING
    largest: Amount = NOTHING
    """The largest call that waits: less than that is of no use."""

    @property
    def charged(self) -> Amount:
        """All of the window."""
        return sum(self.used, NOTHING)


@dataclass(slots=True)
class Stuck:
    """Room for a large call, of which two members may each hold a part for ever: after a while one gives way."""

    _since: float | None = None
    _yields_until: float = float("-inf")

    def gives_way(self, need: Need, spare: Amount, now: float, period: float, chance: float) -> bool:
        """Whether to hold nothing unused for a moment, because what is held is not enough for the call that waits."""
        if need.largest == NOTHING or spare.covers(need.largest):
            self._since = None
            return False
        if self._since is None:
            self._since = now
        if now - self._since > STUCK_SECONDS * period * (1 + chance) and now >= self._yields_until:
            self._since = now
            self._yields_until = now + chance * STUCK_SECONDS * period
        return now < self._yields_until

    def without_spare(self, told: Report, need: Need) -> Report:
        """The same report, wanting no more than is charged."""
        return Report(told.limit, need.charged, told.demand, told.used, told.ghosts)


def report(pool: Pool, replica: str, name: str, need: Need, now: float) -> Report:
    """What to say."""
    held, charged = pool.held(replica, name), need.charged
    ghosts = pool.ghosts(name, now)
    others = [(other, wanted) for other, wanted in pool.demands(name) if other != replica]
    demand = charged + need.waiting
    if need.limit.part(BUSY).covers(sum((wanted for _, wanted in others), demand)):
        demand += need.limit.part(IDLE / max(1, pool.count))
    demand = demand.at_most(need.limit)
    shared = (need.limit - ghosts).at_least(NOTHING)
    requests = _share({other: wanted.requests for other, wanted in others}, replica, demand.requests, shared.requests)
    tokens = _share({other: wanted.tokens for other, wanted in others}, replica, demand.tokens, shared.tokens)
    keeps = Amount(requests[0], tokens[0]).at_least(charged)
    asks = Amount(requests[1], tokens[1]).at_least(charged)
    if need.largest.tokens > asks.tokens:  # a call that is larger than the share needs more than the share for once
        asks = asks.at_least(charged + need.largest).at_most(demand.at_least(charged))
    return Report(need.limit, held.at_most(keeps).at_least(asks), demand, need.used, ghosts)


def share(pool: Pool, replica: str, name: str, limit: Amount, now: float) -> Amount:
    """What a replica would hold if it had use for the whole limit."""
    others = [(other, wanted) for other, wanted in pool.demands(name) if other != replica]
    left = (limit - pool.ghosts(name, now)).at_least(NOTHING)
    requests = _share({other: wanted.requests for other, wanted in others}, replica, limit.requests, left.requests)
    tokens = _share({other: wanted.tokens for other, wanted in others}, replica, limit.tokens, left.tokens)
    return Amount(requests[1], tokens[1])


def matters(pool: Pool, replica: str, name: str, said: Report) -> bool:
    """Whether it should be heard before its time: something is free that this replica lacks, or it gives back what others lack."""
    held = pool.held(replica, name)
    lacks, gives = (said.wants - held).at_least(NOTHING), (held - said.wants).at_least(NOTHING)
    if lacks.at_most(pool.free(name, said.limit, said.ghosts)) != NOTHING:
        return True
    others = sum((demand for _, demand in pool.demands(name)), NOTHING)
    return (others.requests > said.limit.requests and gives.requests > 0) or (others.tokens > said.limit.tokens and gives.tokens > 0)


def _share(others: dict[str, int], replica: str, demand: int, limit: int) -> tuple[int, int]:
    """What this replica keeps of what it holds, and up to what it asks. They differ by one where a limit does not divide evenly."""
    level, shares = fair_share(others | {replica: demand}, limit)
    own = shares[replica]
    return own, min(demand, own + 1) if own == level else own

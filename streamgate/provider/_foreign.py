"""What others use of the same account, as the headers of replies tell it. Pure; the time is passed in.

A reply says how much is left. Where that is less than our own use leaves, somebody else has used the difference, and it is set aside for a
moment: the next reply says it anew. Nothing but a lower figure is believed; a limit that is lower than the one that was set is, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streamgate.provider._amount import NOTHING, Amount
from streamgate.provider._call import Quota, RateHeaders

KEPT_SECONDS: Final = 5.0
TOLERANCE: Final = 0.05
"""Of the limit. What the other replicas use is known a second late, and what is under way the provider has not counted."""
LEARNED_SECONDS: Final = 600.0
"""How long a lower limit is believed without being said again."""


@dataclass(slots=True)
class Foreign:
    """Of one limit."""

    _aside: Amount = NOTHING
    _aside_until: float = float("-inf")
    _limit: Amount | None = None
    _limit_until: float = float("-inf")

    def heard(self, said: RateHeaders, limit: Amount, known: Amount, now: float) -> None:
        """A reply came. ``known`` is what all replicas together have charged in the window."""
        stated = Amount(_or(said.requests.limit, limit.requests), _or(said.tokens.limit, limit.tokens))
        if not stated.covers(limit) and stated.requests > 0 and stated.tokens > 0:
            self._limit, self._limit_until = limit.at_most(stated), now + LEARNED_SECONDS
        limit = self.lowered(limit, now)
        left = limit - known
        missing = Amount(_missing(said.requests, left.requests), _missing(said.tokens, left.tokens)) - limit.part(TOLERANCE)
        self._aside, self._aside_until = missing.at_least(NOTHING), now + KEPT_SECONDS

    def lowered(self, limit: Amount, now: float) -> Amount:
        """The limit, or the lower one that the provider states."""
        return limit if self._limit is None or now >= self._limit_until else limit.at_most(self._limit)

    def left_of(self, limit: Amount, now: float) -> Amount:
        """What of a limit is ours to use."""
        aside = self._aside if now < self._aside_until else NOTHING
        return (self.lowered(limit, now) - aside).at_least(NOTHING)


def _or(stated: int | None, otherwise: int) -> int:
    return otherwise if stated is None else stated


def _missing(quota: Quota, left: int) -> int:
    return 0 if quota.remaining is None else max(0, left - quota.remaining)

"""What others use of the same account, as the headers of replies tell it. Pure; the time is passed in.

A reply says how much is left. What others seem to use is set aside for a moment: the next reply says it anew.

- Where the provider counts what the last minute used, what is missing beyond our own use is not ours to charge.
- Where it fills a bucket all the time, as OpenAI does, nothing is missing while refilling makes up for what others take: the bucket falls
  only where all together use more than the limit. So we call the slower, the emptier it is, and it falls until the rest is what others use.

A bucket is known by its reset: the time until it is full. A limit that is lower than the one that was set is believed, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from streamgate.provider._amount import NOTHING, Amount
from streamgate.provider._call import Quota, RateHeaders
from streamgate.provider._window import WINDOW_SECONDS

KEPT_SECONDS: Final = 5.0
TOLERANCE: Final = 0.05
"""Of the limit. What the other replicas use is known a second late, and what is under way the provider has not counted."""
LEARNED_SECONDS: Final = 600.0
"""How long a lower limit is believed without being said again."""
LEISURE: Final = 0.5
"""Calls go at any speed while a bucket is so full: a burst of our own empties it, too."""
EASY: Final = 1.5
"""At half a bucket: a little more than the limit, so that with nobody else's use the limit is not missed."""
NEED: Final = 0.05
"""None goes while it is as empty as this."""
RESET_TOLERANCE: Final = 0.1


@dataclass(slots=True)
class Foreign:
    """Of one limit."""

    _aside: Amount = NOTHING
    _aside_until: float = float("-inf")
    _pace: float = math.inf
    _paced_at: float = float("-inf")
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
        self._pace, self._paced_at = min(_pace(said.requests), _pace(said.tokens)), now

    def lowered(self, limit: Amount, now: float) -> Amount:
        """The limit, or the lower one that the provider states."""
        return limit if self._limit is None or now >= self._limit_until else limit.at_most(self._limit)

    def pace(self, now: float) -> float:
        """How fast to call at most, as a multiple of the limit; the longer nothing is said, the faster, as the bucket fills meanwhile."""
        return self._pace + max(0.0, now - self._paced_at) / WINDOW_SECONDS

    def left_of(self, limit: Amount, now: float) -> Amount:
        """What of a limit is ours to use."""
        aside = self._aside if now < self._aside_until else NOTHING
        return (self.lowered(limit, now) - aside).at_least(NOTHING)


def _or(stated: int | None, otherwise: int) -> int:
    return otherwise if stated is None else stated


def _missing(quota: Quota, left: int) -> int:
    return 0 if quota.remaining is None else max(0, left - quota.remaining)


def _pace(quota: Quota) -> float:
    if not quota.limit or quota.remaining is None or quota.reset_seconds is None:
        return math.inf
    level = quota.remaining / quota.limit
    if level >= LEISURE or abs(quota.reset_seconds - (1 - level) * WINDOW_SECONDS) > RESET_TOLERANCE * WINDOW_SECONDS:
        return math.inf
    return max(0.0, EASY * (level - NEED) / (LEISURE - NEED))

"""How much one model may still be asked for: requests and tokens of the last sixty seconds. No I/O; the time is passed in.

Rules:

- A reservation stands for :data:`WINDOW_SECONDS` from the moment it was made. Over any such window, what was reserved is never more
  than the allowance, for requests and for tokens.
- ``settle`` corrects a reservation to what was used. Less frees room at once. More counts too: nothing is reserved until the window is
  back under the allowance.
- ``correct`` only ever lowers what is left: where the provider says that less remains than we know of, somebody else uses the same
  account, and the difference is set aside until the provider's own reset.
- A call that is larger than the whole allowance is granted when the window is empty, and takes all of it: waiting always ends.
- Time does not go back: an earlier ``now`` counts as the latest one seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from streamgate.errors import ConfigError
from streamgate.provider._call import Quota, RateHeaders

WINDOW_SECONDS: Final = 60.0
_ROUNDING_SECONDS: Final = 0.001
"""Added to every wait, so that ``now + seconds`` is past the end of a window in floating point too."""


@dataclass(frozen=True, slots=True)
class ModelBudget:
    """The allowance of one model."""

    requests_per_minute: int
    tokens_per_minute: int

    def __post_init__(self) -> None:
        """Fail when built, not when first used."""
        if self.requests_per_minute < 1 or self.tokens_per_minute < 1:
            raise ConfigError(("budget: requests and tokens per minute must be at least 1",))

    def share(self, part: float) -> ModelBudget:
        """A part of the allowance, for a worker that owns that part of the partitions; at least one request and one token."""
        part = min(max(part, 0.0), 1.0)
        return ModelBudget(max(1, int(self.requests_per_minute * part)), max(1, int(self.tokens_per_minute * part)))


@dataclass(frozen=True, slots=True)
class Reserved:
    """Room that was taken; to be settled once."""

    model: str
    number: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Wait:
    """No room now. When nothing else is reserved meanwhile, there is after ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Left:
    """What remains of the current window."""

    requests: float
    tokens: float


@dataclass(slots=True)
class _Charge:
    ends: float
    requests: int
    tokens: int


@dataclass(slots=True)
class Budget:
    """The window of one model."""

    model: str
    allowance: ModelBudget
    _charges: dict[int, _Charge] = field(default_factory=dict)
    """By number, which is also the order in which they end."""
    _number: int = 0
    _now: float = float("-inf")
    _requests: int = 0
    _tokens: int = 0
    _foreign_requests: _Charge = field(default_factory=lambda: _Charge(0.0, 0, 0))
    _foreign_tokens: _Charge = field(default_factory=lambda: _Charge(0.0, 0, 0))

    def reserve(self, now: float, tokens: int) -> Reserved | Wait:
        """Take room for one request of about ``tokens`` tokens, or say how long to wait."""
        self._advance(now)
        tokens = min(max(tokens, 1), self.allowance.tokens_per_minute)
        if not self._fits(tokens):
            return Wait(max(0.0, self._room_at(tokens) - self._now) + _ROUNDING_SECONDS)
        self._number += 1
        self._charges[self._number] = _Charge(self._now + WINDOW_SECONDS, 1, tokens)
        self._requests += 1
        self._tokens += tokens
        return Reserved(self.model, self._number, tokens)

    def settle(self, reserved: Reserved, used_tokens: int, now: float) -> None:
        """Correct the tokens of a reservation; what ended or was released already is left alone."""
        self._advance(now)
        charge = self._charges.get(reserved.number)
        if charge is not None:
            self._tokens += max(0, used_tokens) - charge.tokens
            charge.tokens = max(0, used_tokens)

    def release(self, reserved: Reserved, now: float) -> None:
        """Give a reservation back whole: the call was not made."""
        self._advance(now)
        self._drop(reserved.number)

    def correct(self, limits: RateHeaders, now: float) -> None:
        """Believe the headers of a reply where they say that less is left than the window knows of."""
        self._advance(now)
        own = self._own()
        self._foreign_requests = _Charge(_reset(limits.requests, self._now), _missing(limits.requests, own.requests), 0)
        self._foreign_tokens = _Charge(_reset(limits.tokens, self._now), 0, _missing(limits.tokens, own.tokens))

    def left(self, now: float) -> Left:
        """What could be reserved now; never below zero."""
        self._advance(now)
        own = self._own()
        return Left(max(0.0, own.requests - self._foreign_requests.requests), max(0.0, own.tokens - self._foreign_tokens.tokens))

    def allow(self, allowance: ModelBudget) -> None:
        """Another allowance from here on; what was reserved stays reserved."""
        self.allowance = allowance

    def _own(self) -> Left:
        return Left(self.allowance.requests_per_minute - self._requests, self.allowance.tokens_per_minute - self._tokens)

    def _fits(self, tokens: int) -> bool:
        left = self.left(self._now)
        return left.requests >= 1 and left.tokens >= tokens

    def _room_at(self, tokens: int) -> float:
        """When enough has ended, oldest first. With every charge gone the whole allowance is there, and no call is larger than it."""
        ends = [(charge.ends, charge.requests, charge.tokens) for charge in self._charges.values()]
        ends += [(charge.ends, charge.requests, charge.tokens) for charge in (self._foreign_requests, self._foreign_tokens)]
        requests = self._requests + self._foreign_requests.requests - (self.allowance.requests_per_minute - 1)
        excess = self._tokens + self._foreign_tokens.tokens - (self.allowance.tokens_per_minute - tokens)
        at = self._now
        for end, ended_requests, ended_tokens in sorted(ends):
            if requests <= 0 and excess <= 0:
                break
            requests, excess, at = requests - ended_requests, excess - ended_tokens, end
        return at

    def _advance(self, now: float) -> None:
        self._now = max(self._now, now)
        while self._charges:
            oldest = next(iter(self._charges))
            if self._charges[oldest].ends > self._now:
                break
            self._drop(oldest)
        for foreign in (self._foreign_requests, self._foreign_tokens):
            if foreign.ends <= self._now:
                foreign.requests = foreign.tokens = 0

    def _drop(self, number: int) -> None:
        charge = self._charges.pop(number, None)
        if charge is not None:
            self._requests -= charge.requests
            self._tokens -= charge.tokens


def _missing(quota: Quota, own_left: float) -> int:
    """How much less the provider says is left than the window knows of."""
    return 0 if quota.remaining is None else max(0, int(own_left) - quota.remaining)


def _reset(quota: Quota, now: float) -> float:
    """When what is missing comes back: no later than a window from now, whatever the header says."""
    return now + WINDOW_SECONDS if quota.reset_seconds is None else now + min(quota.reset_seconds, WINDOW_SECONDS)

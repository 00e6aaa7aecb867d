"""What is known of one model, and of one tenant that has a limit of its own. Pure; the time is passed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from streamgate.provider._amount import Amount
from streamgate.provider._breaker import Breaker
from streamgate.provider._estimate import TokenEstimate
from streamgate.provider._foreign import Foreign
from streamgate.provider._queue import Queue
from streamgate.provider._retry import RetryBudget
from streamgate.provider._window import Window

_UNLEARN: Final = 1.05
_LONGEST_SECONDS: Final = 10.0
_FORGOTTEN_SECONDS: Final = 600.0
"""By half, where nobody is answered."""


@dataclass(slots=True)
class Tenant:
    """A tenant's own limit."""

    limit: Amount
    window: Window = field(default_factory=Window)

    def frees_at(self, needs: Amount, now: float) -> float:
        """No room can come free before."""
        return self.window.frees_at(self.window.charged(now) + needs - self.limit, now)


@dataclass(slots=True)
class Account:
    """A model."""

    limit: Amount
    """Over all replicas."""
    window: Window = field(default_factory=Window)
    queue: Queue = field(default_factory=Queue)
    foreign: Foreign = field(default_factory=Foreign)
    breaker: Breaker = field(default_factory=Breaker)
    estimate: TokenEstimate = field(default_factory=TokenEstimate)
    retries: RetryBudget = field(default_factory=RetryBudget)
    paused_until: float = float("-inf")
    _fastest_seconds: float = 0.0
    _learned_at: float = 0.0

    def took(self, seconds: float, now: float) -> None:
        """A call was answered; what was seen long ago counts less and less."""
        known = self.fastest_seconds(now)
        learned = seconds if known == 0 else min(seconds, known * _UNLEARN)
        self._fastest_seconds, self._learned_at = min(learned, _LONGEST_SECONDS), now

    def fastest_seconds(self, now: float) -> float:
        """No call is answered sooner, as far as is known. Without answers that is forgotten: who hurries may be lucky."""
        return float(self._fastest_seconds * 0.5 ** (max(0.0, now - self._learned_at) / _FORGOTTEN_SECONDS))

    def used(self, tenant: str, now: float) -> float:
        """How much of the limit a tenant has used in the window, of the scarcer quantity."""
        amount = self.window.of_tenant(tenant, now)
        return max(amount.requests / self.limit.requests, amount.tokens / self.limit.tokens)

    def clipped(self, needs: Amount, now: float) -> Amount:
        """No call needs more than the whole limit: it is made when the window is empty."""
        return needs.at_most(self.foreign.lowered(self.limit, now))

    def frees_at(self, needs: Amount, now: float) -> float:
        """No room can come free before, even if the whole limit were ours."""
        return self.window.frees_at(self.window.charged(now) + needs - self.foreign.lowered(self.limit, now), now)

"""What was charged in the last sixty seconds. No I/O; the time is passed in.

- A charge stands for :data:`WINDOW_SECONDS` from the moment it was made, and a little longer: the provider's minute begins when a call
  arrives, which takes one call longer than another.
- ``settle`` corrects a charge to what was used; ``release`` takes it back: the call was not made.
- Time does not go back: an earlier ``now`` counts as the latest one seen.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from streamgate.provider._amount import NOTHING, Amount

WINDOW_SECONDS: Final = 60.0
MARGIN_SECONDS: Final = 0.25
SLICES: Final = 12
SLICE_SECONDS: Final = 5.0
"""A usage is told in slices of the window, the youngest first."""


@dataclass(slots=True)
class _Charge:
    at: float
    tokens: int
    tenant: str


@dataclass(slots=True)
class Window:
    """One window."""

    _charges: dict[int, _Charge] = field(default_factory=dict)
    """By number, in the order in which they end."""
    _number: int = 0
    _now: float = float("-inf")
    _total: Amount = NOTHING
    _tenants: dict[str, Amount] = field(default_factory=lambda: defaultdict(Amount))

    def charge(self, tokens: int, now: float, tenant: str = "") -> int:
        """Charge one request; returns the number by which it is settled."""
        self._advance(now)
        self._number += 1
        self._charges[self._number] = _Charge(self._now, tokens, tenant)
        self._add(tenant, Amount(1, tokens))
        return self._number

    def renew(self, number: int, now: float) -> bool:
        """Let a charge stand from now on: what it is for happens only now. Whether it still stood."""
        self._advance(now)
        charge = self._charges.pop(number, None)
        if charge is None:
            return False
        charge.at, self._charges[number] = self._now, charge
        return True

    def settle(self, number: int, used_tokens: int, now: float) -> None:
        """Correct the tokens of a charge; what has left the window or was released is left alone."""
        self._advance(now)
        charge = self._charges.get(number)
        if charge is not None:
            self._add(charge.tenant, Amount(0, max(0, used_tokens) - charge.tokens))
            charge.tokens = max(0, used_tokens)

    def release(self, number: int, now: float) -> None:
        """Take a charge back whole."""
        self._advance(now)
        self._drop(number)

    def charged(self, now: float) -> Amount:
        """What stands in the window."""
        self._advance(now)
        return self._total

    def of_tenant(self, tenant: str, now: float) -> Amount:
        """What stands in the window for one tenant."""
        self._advance(now)
        return self._tenants.get(tenant, NOTHING)

    def since(self, seconds: float, now: float) -> Amount:
        """What was charged in the last seconds."""
        self._advance(now)
        found = NOTHING
        for charge in reversed(self._charges.values()):
            if charge.at < self._now - seconds:
                break
            found += Amount(1, charge.tokens)
        return found

    def slices(self, now: float) -> tuple[Amount, ...]:
        """What stands in the window, by slices; empty ones at the end are left out."""
        self._advance(now)
        found = [NOTHING] * SLICES
        for charge in self._charges.values():
            found[min(SLICES - 1, int((self._now - charge.at) / SLICE_SECONDS))] += Amount(1, charge.tokens)
        while found and found[-1] == NOTHING:
            found.pop()
        return tuple(found)

    def frees_at(self, lacking: Amount, now: float) -> float:
        """When so much has left the window, if nothing is added; infinity where it never does."""
        self._advance(now)
        at = self._now
        for charge in self._charges.values():
            if lacking.requests <= 0 and lacking.tokens <= 0:
                return at
            lacking, at = lacking - Amount(1, charge.tokens), charge.at + WINDOW_SECONDS + MARGIN_SECONDS
        return at if lacking.requests <= 0 and lacking.tokens <= 0 else float("inf")

    def _advance(self, now: float) -> None:
        self._now = max(self._now, now)
        while self._charges:
            oldest = next(iter(self._charges))
            if self._charges[oldest].at + WINDOW_SECONDS + MARGIN_SECONDS > self._now:
                break
            self._drop(oldest)

    def _drop(self, number: int) -> None:
        charge = self._charges.pop(number, None)
        if charge is not None:
            self._add(charge.tenant, NOTHING - Amount(1, charge.tokens))

    def _add(self, tenant: str, amount: Amount) -> None:
        self._total += amount
        self._tenants[tenant] += amount
        if self._tenants[tenant] == NOTHING:
            del self._tenants[tenant]

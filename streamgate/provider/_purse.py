"""Money that may still be spent, by tenant and by purpose, in a day and in a month (UTC). Pure; the day is passed in.

A budget, less what all replicas have spent, less what is held here for calls that are out:

- What was spent is learned as cumulative sums by partition: hearing one twice, or late, changes nothing.
- What is held stays held until the sum that counts it was heard: a call is never in neither of the two.
- What other replicas hold is not known here. All of them together may go beyond a budget by what they had out at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto, unique
from typing import NamedTuple

from streamgate.provider._spent import SpendAccount, Spent, month_of


@unique
class Scope(StrEnum):
    """Whose budget."""

    TENANT = "tenant"
    PURPOSE = "purpose"


@unique
class Period(StrEnum):
    """For how long."""

    DAY = "day"
    MONTH = "month"

    def of(self, day: int) -> int:
        """The period's number in which a day lies."""
        return day if self is Period.DAY else month_of(day)


@unique
class Payable(Enum):
    """Whether a call can be paid."""

    NOW = auto()
    LATER = auto()
    """It could, were it not for calls that are out: they may turn out cheaper."""
    NOT = auto()


class Whose(NamedTuple):
    """A tenant or a purpose."""

    scope: Scope
    name: str


@dataclass(frozen=True, slots=True)
class MoneyLimit:
    """The most that may be spent, in parts of 10⁻¹²; ``None``: no limit."""

    per_day: int | None = None
    per_month: int | None = None

    def of(self, period: Period) -> int | None:
        """For one period."""
        return self.per_day if period is Period.DAY else self.per_month


@dataclass(slots=True, eq=False)
class Hold:
    """Money set aside for one request: what its calls have cost so far, and what the next one may."""

    whose: tuple[Whose, ...]
    amount: int = 0


@dataclass(slots=True)
class Purse:
    """All budgets of this worker."""

    limits: Mapping[Whose, MoneyLimit] = field(default_factory=dict)
    currency: str = "USD"
    known: Callable[[], bool] = lambda: True
    """Whether everything that was spent before has been heard of."""
    _heard: dict[tuple[int, bytes], tuple[SpendAccount, Spent]] = field(default_factory=dict)
    """By partition and key."""
    _sums: dict[tuple[Whose, Period, int], int] = field(default_factory=dict)
    _held: dict[Whose, int] = field(default_factory=dict)
    _holds: set[Hold] = field(default_factory=set)
    _unheard: dict[tuple[int, bytes], list[tuple[int, Hold]]] = field(default_factory=dict)
    _month: int = 0

    def open(self, tenant: str, purpose: str) -> Hold:
        """Nothing is held yet."""
        both = (Whose(Scope.TENANT, tenant), Whose(Scope.PURPOSE, purpose))
        return Hold(tuple(whose for whose in both if whose in self.limits))

    def payable(self, hold: Hold, amount: int, today: int) -> Payable:
        """Whether ``amount`` could be held in place of what is."""
        lefts = [(whose, left) for whose in hold.whose for period in Period if (left := self.left(whose, period, today)) is not None]
        if all(left + hold.amount >= amount for _, left in lefts):
            return Payable.NOW
        return Payable.LATER if all(left + self._held.get(whose, 0) >= amount for whose, left in lefts) else Payable.NOT

    def take(self, hold: Hold, amount: int) -> None:
        """Hold ``amount`` from now on."""
        for whose in hold.whose:
            self._held[whose] = self._held.get(whose, 0) + amount - hold.amount
        hold.amount = amount
        if amount and hold.whose:
            self._holds.add(hold)
        else:
            self._holds.discard(hold)

    def counted(self, hold: Hold, partition: int, account: SpendAccount, requests: int) -> None:
        """Let go of it once a sum of ``account`` on ``partition`` over at least ``requests`` requests was heard."""
        place = (partition, account.key())
        heard = self._heard.get(place)
        if hold not in self._holds or (heard is not None and heard[1].requests >= requests):
            self.take(hold, 0)
        else:
            self._unheard.setdefault(place, []).append((requests, hold))

    def let_go(self) -> None:
        """Hold nothing: this worker's calls are no longer its own."""
        for hold in tuple(self._holds):
            self.take(hold, 0)
        self._unheard.clear()

    def learn(self, partition: int, account: SpendAccount, spent: Spent, today: int) -> None:
        """A sum was published; the last one of a place and an account counts. Other currencies and months gone by do not matter."""
        self._forget_months_before(today)
        place = (partition, account.key())
        waiting = self._unheard.pop(place, [])
        for requests, hold in waiting:
            if requests <= spent.requests:
                self.take(hold, 0)
        later = [each for each in waiting if each[0] > spent.requests]
        if later:
            self._unheard[place] = later
        before = self._heard.get(place)
        if account.currency != self.currency or month_of(account.day) < month_of(today) or (before and before[1].requests > spent.requests):
            return
        self._heard[place] = (account, spent)
        self._add(account, spent.amount - (before[1].amount if before else 0))

    def left(self, whose: Whose, period: Period, today: int) -> int | None:
        """What may still be spent; below zero where more was spent. ``None``: as much as you like."""
        limits = self.limits.get(whose)
        limit = None if limits is None else limits.of(period)
        return None if limit is None else limit - self._sums.get((whose, period, period.of(today)), 0) - self._held.get(whose, 0)

    def _add(self, account: SpendAccount, amount: int) -> None:
        for whose in (Whose(Scope.TENANT, account.tenant), Whose(Scope.PURPOSE, account.purpose)):
            if whose in self.limits:
                for period in Period:
                    place = (whose, period, period.of(account.day))
                    self._sums[place] = self._sums.get(place, 0) + amount

    def _forget_months_before(self, today: int) -> None:
        month = month_of(today)
        if month <= self._month:
            return
        self._month = month
        self._heard = {place: each for place, each in self._heard.items() if month_of(each[0].day) >= month}
        first = {Period.MONTH: month, Period.DAY: min((each[0].day for each in self._heard.values()), default=today)}
        self._sums = {place: amount for place, amount in self._sums.items() if place[2] >= first[place[1]]}

"""What is left of budgets: what was spent is heard of, what may be spent is held."""

from __future__ import annotations

import pytest

from streamgate.provider import (
    Hold,
    MoneyLimit,
    Payable,
    Period,
    Purse,
    Scope,
    SpendAccount,
    Spent,
    Whose,
    day_from,
    day_of,
    day_text,
    month_of,
)

ACME, SUPPORT = Whose(Scope.TENANT, "acme"), Whose(Scope.PURPOSE, "support")
TODAY = day_from("2026-11-30")


def a_purse(tenant: MoneyLimit | None = None, purpose: MoneyLimit | None = None) -> Purse:
    both = {ACME: tenant, SUPPORT: purpose}
    return Purse({whose: limit for whose, limit in both.items() if limit is not None})


def account(day: int = TODAY, tenant: str = "acme", purpose: str = "support", currency: str = "USD") -> SpendAccount:
    return SpendAccount(tenant, purpose, currency, day)


def holding(purse: Purse, amount: int, today: int = TODAY) -> Hold:
    hold = purse.open("acme", "support")
    assert purse.payable(hold, amount, today) is Payable.NOW
    purse.take(hold, amount)
    return hold


def test_what_was_spent_on_all_partitions_counts() -> None:
    """For the tenant and for the purpose; a later sum of a place replaces the one before, hearing it again changes nothing."""
    purse = a_purse(MoneyLimit(per_day=100), MoneyLimit(per_month=1000))
    for partition, spent in ((0, Spent(1, amount=10)), (1, Spent(1, amount=5)), (0, Spent(2, amount=30)), (0, Spent(2, amount=30))):
        purse.learn(partition, account(), spent, TODAY)
    purse.learn(0, account(), Spent(1, amount=10), TODAY)  # read again from the beginning
    purse.learn(0, account(purpose="hr"), Spent(1, amount=20), TODAY)
    purse.learn(0, account(tenant="globex"), Spent(1, amount=40), TODAY)
    assert purse.left(ACME, Period.DAY, TODAY) == 100 - 35 - 20
    assert purse.left(SUPPORT, Period.MONTH, TODAY) == 1000 - 35 - 40
    assert purse.left(ACME, Period.MONTH, TODAY) is None
    assert purse.left(Whose(Scope.TENANT, "globex"), Period.DAY, TODAY) is None


def test_days_and_months_end_at_midnight_utc() -> None:
    """A day's money comes back the next day, a month's the next month, whoever hears of what when."""
    last_ms = (TODAY + 1) * 86_400_000 - 1
    assert (day_text(day_of(last_ms)), day_text(day_of(last_ms + 1))) == ("2026-11-30", "2026-12-01")
    assert (month_of(TODAY), month_of(TODAY + 31)) == (2026 * 12 + 10, 2026 * 12 + 11)
    purse = a_purse(MoneyLimit(per_day=10, per_month=15))
    purse.learn(0, account(TODAY - 1), Spent(1, amount=8), TODAY - 1)
    assert purse.left(ACME, Period.DAY, TODAY - 1) == 2
    assert (purse.left(ACME, Period.DAY, TODAY), purse.left(ACME, Period.MONTH, TODAY)) == (10, 7)
    purse.learn(0, account(), Spent(1, amount=7), TODAY)
    assert purse.left(ACME, Period.MONTH, TODAY) == 0
    assert (purse.left(ACME, Period.DAY, TODAY + 1), purse.left(ACME, Period.MONTH, TODAY + 1)) == (10, 15)
    purse.learn(0, account(TODAY + 1), Spent(1, amount=1), TODAY + 1)
    purse.learn(1, account(), Spent(9, amount=9), TODAY + 1)  # of the month before: too late to matter
    assert (purse.left(ACME, Period.DAY, TODAY + 1), purse.left(ACME, Period.MONTH, TODAY + 1)) == (9, 14)


def test_a_replica_whose_clock_runs_ahead_is_heard() -> None:
    """What it spends tomorrow is tomorrow's, also when today goes on."""
    purse = a_purse(MoneyLimit(per_day=10))
    purse.learn(0, account(TODAY + 1), Spent(1, amount=4), TODAY)
    purse.learn(0, account(), Spent(1, amount=1), TODAY)
    assert (purse.left(ACME, Period.DAY, TODAY), purse.left(ACME, Period.DAY, TODAY + 1)) == (9, 6)


def test_what_is_held_is_not_there_for_others() -> None:
    """They wait while it may come back, and give up when it is spent."""
    purse = a_purse(MoneyLimit(per_day=10))
    hold = holding(purse, 8)
    other = purse.open("acme", "support")
    assert [purse.payable(other, amount, TODAY) for amount in (2, 3, 10, 11)] == [Payable.NOW, Payable.LATER, Payable.LATER, Payable.NOT]
    assert purse.payable(hold, 10, TODAY) is Payable.NOW  # in place of what it holds
    purse.take(hold, 3)
    assert purse.payable(other, 7, TODAY) is Payable.NOW


def test_both_budgets_must_have_room() -> None:
    """The scarcer one decides."""
    purse = a_purse(MoneyLimit(per_day=100), MoneyLimit(per_month=10))
    assert purse.payable(purse.open("acme", "support"), 11, TODAY) is Payable.NOT
    assert purse.payable(purse.open("acme", "hr"), 11, TODAY) is Payable.NOW
    assert purse.payable(purse.open("globex", "support"), 11, TODAY) is Payable.NOT
    assert purse.payable(purse.open("globex", "hr"), 10**30, TODAY) is Payable.NOW


def test_a_hold_ends_when_its_sum_was_heard_and_not_before() -> None:
    """So what a call cost is never in neither of the two, however late the topic is."""
    purse = a_purse(MoneyLimit(per_day=100))
    hold = holding(purse, 30)
    purse.counted(hold, 0, account(), 2)
    purse.learn(0, account(), Spent(1, amount=5), TODAY)
    purse.learn(1, account(), Spent(2, amount=5), TODAY)
    assert purse.left(ACME, Period.DAY, TODAY) == 60
    purse.learn(0, account(), Spent(2, amount=35), TODAY)
    assert purse.left(ACME, Period.DAY, TODAY) == 60
    early = holding(purse, 10)
    purse.learn(0, account(), Spent(3, amount=45), TODAY)
    purse.counted(early, 0, account(), 3)  # heard before it was waited for
    assert purse.left(ACME, Period.DAY, TODAY) == 50


def test_nothing_is_held_after_partitions_were_given_up() -> None:
    """Somebody else makes these calls; a hold that is used afterwards changes nothing for others."""
    purse = a_purse(MoneyLimit(per_day=100))
    hold, counted = holding(purse, 30), holding(purse, 30)
    purse.counted(counted, 0, account(), 1)
    purse.let_go()
    assert purse.left(ACME, Period.DAY, TODAY) == 100
    purse.counted(hold, 0, account(), 2)
    purse.learn(0, account(), Spent(2, amount=60), TODAY)
    assert purse.left(ACME, Period.DAY, TODAY) == 40


def test_money_of_another_currency_is_not_added() -> None:
    """Budgets are in one."""
    purse = a_purse(MoneyLimit(per_day=100))
    purse.learn(0, account(currency="EUR"), Spent(1, amount=60), TODAY)
    assert purse.left(ACME, Period.DAY, TODAY) == 100


@pytest.mark.parametrize("text", ["2026-02-30", "today", ""])
def test_what_is_no_day_is_not_read(text: str) -> None:
    """Neither as a day of a sum nor of a report."""
    with pytest.raises(ValueError, match=r"."):
        day_from(text)

"""What was spent, read from the spend topic from its beginning."""

from __future__ import annotations

from dataclasses import dataclass

from streamgate.adapters.kafka_head import read_all
from streamgate.adapters.system import SystemClock
from streamgate.bootstrap._installation import Installation
from streamgate.bootstrap._money import purse, spend_decoder
from streamgate.errors import ConfigError
from streamgate.provider import Period, Purse, SpendAccount, Spent, Whose, day_from, day_of, day_text, month_of
from streamgate.types import Topic


@dataclass(frozen=True, slots=True)
class SpentFor:
    """One tenant's for one purpose, in one currency."""

    tenant: str
    purpose: str
    currency: str
    day: Spent
    month: Spent


@dataclass(frozen=True, slots=True)
class BudgetOf:
    """One budget; amounts in parts of 10⁻¹² of the currency."""

    whose: Whose
    period: Period
    limit: int
    left: int


@dataclass(frozen=True, slots=True)
class SpendReport:
    """A day and its month, UTC."""

    day: str
    currency: str
    """Of the budgets."""
    spent: tuple[SpentFor, ...]
    budgets: tuple[BudgetOf, ...]


async def report_spending(installation: Installation, day: str | None = None) -> SpendReport:
    """Everything counted so far; ``day`` is ``YYYY-MM-DD``, today where it is left out."""
    try:
        number = day_of(SystemClock().now_ms()) if day is None else day_from(day)
    except ValueError:
        raise ConfigError(("--day: not a day; write YYYY-MM-DD",)) from None
    decode, known = spend_decoder(installation), purse(installation)
    last: dict[tuple[int, bytes], tuple[SpendAccount, Spent]] = {}
    async for record in read_all(installation.connection(), installation.prefix + Topic.SPEND):
        place = (record.partition, record.key or b"")
        if record.value is None:
            last.pop(place, None)
        else:
            last[place] = decode(record.value)
    for (partition, _), (account, spent) in last.items():
        known.learn(partition, account, spent, number)
    return SpendReport(day_text(number), known.currency, _spent(list(last.values()), number), _budgets(known, number))


def _spent(sums: list[tuple[SpendAccount, Spent]], day: int) -> tuple[SpentFor, ...]:
    found: dict[tuple[str, str, str], tuple[Spent, Spent]] = {}
    for account, spent in sums:
        if month_of(account.day) == month_of(day):
            place = (account.tenant, account.purpose, account.currency)
            of_day, of_month = found.get(place, (Spent(), Spent()))
            found[place] = (of_day + spent if account.day == day else of_day, of_month + spent)
    return tuple(SpentFor(*place, *both) for place, both in sorted(found.items()))


def _budgets(known: Purse, day: int) -> tuple[BudgetOf, ...]:
    return tuple(
        BudgetOf(whose, period, limit, left)
        for whose, limits in sorted(known.limits.items())
        for period in Period
        if (limit := limits.of(period)) is not None and (left := known.left(whose, period, day)) is not None
    )

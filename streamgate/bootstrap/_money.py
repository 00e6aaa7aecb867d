"""Prices and budgets of money, from the settings."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from streamgate.bootstrap._installation import Installation
from streamgate.codec import parse_frame
from streamgate.config import MoneyBudget
from streamgate.config import Price as PriceSetting
from streamgate.pipeline._spending import read_spend
from streamgate.provider import MoneyLimit, Price, Prices, Purse, Scope, SpendAccount, Spent, Whose, amount_of, percent_of
from streamgate.types import Topic


def prices(installation: Installation) -> Prices:
    """The price table."""
    settings = installation.settings.egress
    return Prices(
        {name: _price(each) for name, each in settings.prices.items()},
        None if settings.default_price is None else _price(settings.default_price),
        percent_of(settings.batch_discount),
    )


def purse(installation: Installation) -> Purse:
    """The budgets, of which nothing is spent yet."""
    settings = installation.settings.egress
    named = ((Scope.TENANT, settings.money.tenants), (Scope.PURPOSE, settings.money.purposes))
    return Purse({Whose(scope, name): _limit(each) for scope, budgets in named for name, each in budgets.items()}, settings.currency)


def spend_decoder(installation: Installation) -> Callable[[bytes], tuple[SpendAccount, Spent]]:
    """Reads the value of a record of the spend topic."""
    schemas = installation.schemas

    def decode(data: bytes) -> tuple[SpendAccount, Spent]:
        frame = parse_frame(data)
        return read_spend(schemas.by_fingerprint(Topic.SPEND, frame.fingerprint or b"").decode(frame.payload))

    return decode


def _price(price: PriceSetting) -> Price:
    return Price.per_million(price.input, price.output)


def _limit(budget: MoneyBudget) -> MoneyLimit:
    return MoneyLimit(_amount(budget.per_day), _amount(budget.per_month))


def _amount(money: Decimal | None) -> int | None:
    return None if money is None else amount_of(money)

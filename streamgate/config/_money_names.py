"""Budgets of money are for tenants and purposes that exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from streamgate.config._money import Money
from streamgate.config._problems import unknown
from streamgate.consent import Policy
from streamgate.errors import ConfigError


def check_money(money: Money, policy: Policy) -> None:
    """Raise ``ConfigError`` for each tenant or purpose that the policy does not have: a budget that limits nobody is a mistake."""
    found = (
        *_strangers("egress.money.tenants", money.tenants, policy.tenants),
        *_strangers("egress.money.purposes", money.purposes, policy.purposes),
    )
    if found:
        raise ConfigError(found)


def _strangers(place: str, named: Iterable[str], known: Mapping[str, object]) -> Iterator[str]:
    yield from (unknown(f"{place}.{name}", name, known) for name in named if name not in known)

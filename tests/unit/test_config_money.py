"""Settings about money: exact, complete, and for tenants and purposes that exist."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from streamgate.bootstrap import load as load_installation
from streamgate.bootstrap._money import prices, purse
from streamgate.config import init, load, show
from streamgate.errors import ConfigError
from streamgate.provider import MoneyLimit, Scope, Whose
from streamgate.types import Usage

PREFIX = "STREAMGATE_EGRESS__"
PRICE = {PREFIX + "DEFAULT_PRICE": '{"input": 0.15, "output": "0.6"}'}
BUDGET = {PREFIX + "MONEY__TENANTS": '{"acme": {"per_day": 2.5, "per_month": 40}}'}


def mistakes(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(None, environ)
    return caught.value.problems


def test_decimals_stay_what_was_written(tmp_path: Path) -> None:
    """From TOML, from the environment, and shown again."""
    path = tmp_path / "settings.toml"
    path.write_text('[egress.prices."gpt-4o-mini"]\ninput = 0.15\noutput = 0.6\n')
    settings = load(path, PRICE | BUDGET)
    assert settings.egress.prices["gpt-4o-mini"].input == Decimal("0.15")
    shown = tomllib.loads(show(settings), parse_float=Decimal)["egress"]
    assert shown["default_price"] == {"input": Decimal("0.15"), "output": Decimal("0.6")}
    assert shown["money"]["tenants"] == {"acme": {"per_day": Decimal("2.5"), "per_month": 40}}
    assert shown["batch_discount"] == Decimal("0.5")


def test_a_budget_needs_a_price_for_every_model() -> None:
    """Otherwise a model without one could be called for ever."""
    (mistake,) = mistakes(BUDGET)
    assert mistake.startswith("egress.default_price: missing; budgets of money need a price for every model")
    assert load(None, BUDGET | PRICE).egress.default_price is not None


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("PRICES", {"m": {"input": 0.00001, "output": 1}}, "egress.prices.m.input"),
        ("PRICES", {"m": {"input": 1}}, "egress.prices.m.output"),
        ("DEFAULT_PRICE", {"input": -1, "output": 1}, "egress.default_price.input"),
        ("DEFAULT_PRICE", {"input": "PLANTED", "output": 1}, "egress.default_price.input"),
        ("MONEY__PURPOSES", {"support": {}}, "egress.money.purposes.support.per_day"),
        ("MONEY__PURPOSES", {"support": {"per_week": 1}}, "egress.money.purposes.support.per_week"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: object, place: str) -> None:
    """With its place and without its value."""
    found = mistakes({PREFIX + name: json.dumps(value)})
    assert [line for line in found if line.startswith(place)], found
    assert "PLANTED" not in "".join(found)


def test_a_budget_for_nobody_is_a_mistake(tmp_path: Path) -> None:
    """A misspelt tenant would have no limit at all."""
    init(tmp_path)
    environ = {PREFIX + "MONEY__TENANTS": '{"acmee": {"per_day": 1}}', PREFIX + "MONEY__PURPOSES": '{"suport": {"per_day": 1}}'} | PRICE
    with pytest.raises(ConfigError) as caught:
        load_installation(tmp_path / "streamgate.toml", environ)
    assert caught.value.problems == (
        "egress.money.tenants.acmee: unknown; did you mean acme?",
        "egress.money.purposes.suport: unknown; did you mean support?",
    )


def test_settings_become_prices_and_budgets(tmp_path: Path) -> None:
    """In parts of 10⁻¹², of a token and of a unit."""
    init(tmp_path)
    made = load_installation(tmp_path / "streamgate.toml", PRICE | BUDGET | {PREFIX + "BATCH_DISCOUNT": "0.25", PREFIX + "CURRENCY": "EUR"})
    assert prices(made).price("any", Usage(1, 1)) == 750_000
    assert prices(made).price("any", Usage(1, 1), batch=True) == 562_500
    assert (purse(made).limits, purse(made).currency) == ({Whose(Scope.TENANT, "acme"): MoneyLimit(25 * 10**11, 40 * 10**12)}, "EUR")

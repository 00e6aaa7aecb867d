"""What calls cost: exact, to the last token."""

from __future__ import annotations

from decimal import Decimal

import pytest

from streamgate.provider import Price, Prices, amount_of, money_of, percent_of, plain
from streamgate.types import Usage

MINI = Price.per_million(Decimal("0.15"), Decimal("0.6"))
CHEAPEST = Price.per_million(Decimal("0.0001"), Decimal("0.0001"))


def test_one_token_of_the_cheapest_model_is_not_nothing() -> None:
    """Nor is it by the Batch API."""
    prices = Prices({"tiny": CHEAPEST})
    assert prices.price("tiny", Usage(1, 0)) == 100
    assert prices.price("tiny", Usage(1, 0), batch=True) == 50
    assert plain(50) == "0.00000000005"


def test_a_call_costs_what_its_tokens_cost() -> None:
    """Input and output have prices of their own; a model without a price takes the default, or costs nobody knows what."""
    prices = Prices({"mini": MINI}, CHEAPEST)
    assert prices.price("mini", Usage(1_000_000, 1_000_000)) == amount_of(Decimal("0.75"))
    assert prices.price("mini", Usage(1, 1)) == 150_000 + 600_000
    assert prices.price("other", Usage(7, 3)) == 1_000
    assert Prices({"mini": MINI}).price("other", Usage(7, 3)) is None


@pytest.mark.parametrize(("discount", "part"), [("0.5", 50), ("0", 100), ("1", 0), ("0.33", 67)])
def test_the_batch_discount_is_exact(discount: str, part: int) -> None:
    """Whole percent of a price that is a multiple of a hundred parts."""
    prices = Prices({"tiny": CHEAPEST}, batch_discount_percent=percent_of(Decimal(discount)))
    assert prices.price("tiny", Usage(1, 0), batch=True) == part


@pytest.mark.parametrize("price", ["0.00001", "-1", "NaN", "Infinity"])
def test_a_price_that_cannot_be_kept_exactly_is_refused(price: str) -> None:
    """Rather than rounded."""
    with pytest.raises(ValueError, match=r"decimals|amount"):
        Price.per_million(Decimal(price), Decimal(1))


@pytest.mark.parametrize("text", ["0", "0.000000000001", "12345678901234567890123456.789012345678", "100", "1E+3", "0.50"])
def test_amounts_and_decimals_are_the_same(text: str) -> None:
    """Beyond the digits that decimal arithmetic keeps by default, and without zeros or exponents when shown."""
    amount = amount_of(Decimal(text))
    assert money_of(amount) == Decimal(text)
    assert "E" not in plain(amount)
    assert Decimal(plain(amount)) == Decimal(text)

"""What calls cost, exactly: prices per million tokens as decimals, sums as whole millionths of a millionth of the currency. Pure.

A price has at most four decimals and a discount two, so what one token costs is a whole number of such parts, by the Batch API too:
nothing is ever rounded, in whatever order it is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from streamgate.types import Usage

SCALE: Final = 12
"""Decimals of an amount."""
PRICE_DECIMALS: Final = 4
DISCOUNT_DECIMALS: Final = 2
_MILLION_DIGITS: Final = 6
_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class Price:
    """What one token costs, in parts of 10⁻¹²; a multiple of 100."""

    input: int
    output: int

    @classmethod
    def per_million(cls, tokens_in: Decimal, tokens_out: Decimal) -> Price:
        """From what providers publish; ``ValueError`` where it has more than :data:`PRICE_DECIMALS` decimals."""
        return cls(*(_whole(price, SCALE - _MILLION_DIGITS, PRICE_DECIMALS) for price in (tokens_in, tokens_out)))


@dataclass(frozen=True, slots=True)
class Prices:
    """The price table."""

    by_model: Mapping[str, Price] = field(default_factory=dict)
    default: Price | None = None
    batch_discount_percent: int = 50
    """What the Batch API takes off."""

    def price(self, model: str, usage: Usage, *, batch: bool = False) -> int | None:
        """What these tokens cost, exactly; ``None`` where the model has no price."""
        price = self.by_model.get(model, self.default)
        if price is None:
            return None
        whole = price.input * usage.prompt_tokens + price.output * usage.completion_tokens
        return whole // _PERCENT * (_PERCENT - self.batch_discount_percent) if batch else whole


def amount_of(money: Decimal) -> int:
    """An amount in whole parts; ``ValueError`` where it has more than :data:`SCALE` decimals."""
    return _whole(money, SCALE, SCALE)


def percent_of(part: Decimal) -> int:
    """A share of one in whole percent; ``ValueError`` where it has more than two decimals."""
    return _whole(part, DISCOUNT_DECIMALS, DISCOUNT_DECIMALS)


def money_of(amount: int) -> Decimal:
    """An amount as a decimal, exactly; a context's precision has no part in it."""
    return Decimal((int(amount < 0), tuple(int(digit) for digit in str(abs(amount))), -SCALE))


def plain(amount: int) -> str:
    """An amount as people write it: no exponent, no zeros at the end."""
    text = f"{money_of(amount):f}"
    return text.rstrip("0").rstrip(".")


def _whole(value: Decimal, digits: int, decimals: int) -> int:
    sign, figures, exponent = value.as_tuple()
    if not isinstance(exponent, int) or sign:
        raise ValueError("not an amount: it must be finite and not below zero")
    number = int("".join(map(str, figures)) or "0")
    while number and number % 10 == 0 and exponent < 0:
        number, exponent = number // 10, exponent + 1
    if number and exponent < -decimals:
        raise ValueError("too many decimals")
    return number * 10 ** (exponent + digits) if number else 0

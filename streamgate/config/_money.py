"""The settings about money: what models cost, and how much may be spent."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field
from pydantic_settings import NoDecode

from streamgate.config._grammar import Json
from streamgate.config._section import Section


class Price(Section):
    """What a model costs."""

    input: Decimal = Field(ge=0, le=1_000_000, decimal_places=4, description="A million tokens of prompts, in egress.currency.")
    output: Decimal = Field(ge=0, le=1_000_000, decimal_places=4, description="A million tokens of answers, in egress.currency.")


class MoneyBudget(Section):
    """The most that may be spent."""

    per_day: Decimal | None = Field(default=None, ge=0, le=10**12, decimal_places=6, description="In a day, UTC.")
    per_month: Decimal | None = Field(default=None, ge=0, le=10**12, decimal_places=6, description="In a month, UTC.")

    def mistakes(self) -> tuple[str, ...]:
        """A budget limits something."""
        return ("per_day: missing; write per_day, per_month or both",) if self.per_day is None and self.per_month is None else ()


Prices = Annotated[dict[str, Price], NoDecode, Json]
MoneyBudgets = Annotated[dict[str, MoneyBudget], NoDecode, Json]


class Money(Section):
    """Budgets of money. What they have no room for ends with the code money_spent."""

    tenants: MoneyBudgets = Field(default_factory=dict, description="Budget by tenant; a tenant not named has none.")
    purposes: MoneyBudgets = Field(default_factory=dict, description="Budget by purpose, over all tenants; a purpose not named has none.")

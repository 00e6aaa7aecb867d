"""``streamgate spend``: what was spent, and what is left of the budgets."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from streamgate.bootstrap import BudgetOf, SpendReport, load, report_spending
from streamgate.cli._worker import ConfigOption
from streamgate.provider import Spent, plain


def spend(
    day: Annotated[str | None, typer.Option(help="YYYY-MM-DD, UTC; without it, today.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object; amounts as text, since they are exact.")] = False,
    config: ConfigOption = None,
) -> None:
    """Tokens and money by tenant and purpose, of a day and its month, and budgets."""
    found = asyncio.run(report_spending(load(config), day))
    if as_json:
        print(json.dumps(document(found)))
        return
    out = Console(highlight=False)
    out.print(_spent_table(found))
    if found.budgets:
        out.print(_budget_table(found))


def document(found: SpendReport) -> dict[str, Any]:
    """The report as JSON."""
    return {
        "day": found.day,
        "month": found.day[:7],
        "currency": found.currency,
        "spent": [
            {"tenant": each.tenant, "purpose": each.purpose, "currency": each.currency, "day": _sum(each.day), "month": _sum(each.month)}
            for each in found.spent
        ],
        "budgets": [
            {
                "of": each.whose.scope.value,
                "name": each.whose.name,
                "period": each.period.value,
                "limit": plain(each.limit),
                "left": plain(each.left),
            }
            for each in found.budgets
        ],
    }


def _sum(spent: Spent) -> dict[str, Any]:
    return {
        "requests": spent.requests,
        "calls": spent.calls,
        "unknown_calls": spent.unknown_calls,
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "amount": plain(spent.amount),
    }


def _spent_table(found: SpendReport) -> Table:
    table = Table(title=f"Spent on {found.day} and in {found.day[:7]} (UTC)")
    for name in ("tenant", "purpose"):
        table.add_column(name)
    for name in ("tokens in", "tokens out", "day", "tokens in", "tokens out", "month", "calls", "of unknown cost"):
        table.add_column(name, justify="right")
    for each in found.spent:
        sums = (f"{value:,}" for spent in (each.day, each.month) for value in (spent.prompt_tokens, spent.completion_tokens))
        day_in, day_out, month_in, month_out = sums
        money = [f"{plain(spent.amount)} {each.currency}" for spent in (each.day, each.month)]
        table.add_row(
            each.tenant,
            each.purpose,
            day_in,
            day_out,
            money[0],
            month_in,
            month_out,
            money[1],
            f"{each.month.calls:,}",
            f"{each.month.unknown_calls:,}",
        )
    return table


def _budget_table(found: SpendReport) -> Table:
    table = Table(title=f"Budgets, {found.currency}")
    for name in ("of", "name", "per"):
        table.add_column(name)
    for name in ("budget", "spent", "left"):
        table.add_column(name, justify="right")
    for each in found.budgets:
        table.add_row(each.whose.scope, each.whose.name, each.period, *_amounts(each), style="red" if each.left <= 0 else "")
    return table


def _amounts(budget: BudgetOf) -> tuple[str, str, str]:
    return plain(budget.limit), plain(budget.limit - budget.left), plain(budget.left)

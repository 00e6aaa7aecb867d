"""Counts what was spent, in the transaction of the completion: a row of the day's sum, and the same sum on the ``spend`` topic.

Sums are cumulative, by partition, tenant, purpose, currency and day (UTC) of the completion. So they are exact over crashes, rebalances and
copies; and what is published twice counts once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from streamgate.codec import Schema, encode
from streamgate.pipeline._egress_state import EgressState
from streamgate.pipeline._tab import Tab, Till
from streamgate.pipeline.ports.stage import Effects, Output, Row, StateView
from streamgate.provider import Bill, Hold, SpendAccount, Spent, amount_of, day_from, day_of, day_text, money_of, plain
from streamgate.telemetry import CostUnknown, Fact, MoneySpent
from streamgate.types import ModelRef, Topic


@dataclass(frozen=True, slots=True)
class Costs:
    """What one request has cost, and for whom."""

    tenant: str
    purpose: str
    model: str
    """As the request names it."""
    bills: tuple[Bill, ...] = ()
    earlier_calls: int = 0
    """Calls begun before a crash or a rebalance: whether they were billed nobody knows."""
    hold: Hold | None = None

    @classmethod
    def of(cls, request: Mapping[str, Any], tab: Tab, earlier_calls: int = 0) -> Self:
        """Of a request, and what its calls have cost."""
        return cls(
            request["tenant"],
            request["purpose"],
            ModelRef(request["provider"], request["model"]).name,
            tuple(tab.bills),
            earlier_calls,
            tab.hold,
        )

    def counts(self) -> dict[str, int]:
        """For the audit log."""
        spent = Spent.of(self.bills, self.earlier_calls)
        found = {"calls": len(self.bills), "earlier_calls": self.earlier_calls, "unknown_cost_calls": spent.unknown_calls}
        used = any(bill.usage is not None for bill in self.bills)
        tokens = {"prompt_tokens": spent.prompt_tokens, "completion_tokens": spent.completion_tokens} if used else {}
        return {name: count for name, count in found.items() if count or name == "calls"} | tokens

    def text(self, currency: str) -> str | None:
        """For the audit log; ``None`` where no call has a known cost."""
        known = [bill.amount for bill in self.bills if bill.amount is not None]
        return f"{plain(sum(known))} {currency}" if known else None


@dataclass(frozen=True, slots=True)
class Spending:
    """Writes the sums."""

    schema: Schema
    till: Till

    def count(self, partition: int, state: StateView, costs: Costs, now_ms: int) -> Effects:
        """Add a request's costs; nothing where nobody was called for it."""
        if not costs.bills and not costs.earlier_calls:
            return Effects()
        account = SpendAccount(costs.tenant, costs.purpose, self.till.purse.currency, day_of(now_ms))
        key = EgressState.spent(account)
        before = state.get(key)
        total = Spent.of(costs.bills, costs.earlier_calls) + (Spent() if before is None else EgressState.spent_from(before))
        if costs.hold is not None:
            self.till.purse.counted(costs.hold, partition, account, total.requests)
        output = Output(Topic.SPEND, account.key(), encode(self.schema, spend_record(account, total)))
        return Effects((Row(key, EgressState.spent_value(total)),), (output,), tuple(_facts(costs)))


def _facts(costs: Costs) -> Sequence[Fact]:
    told: list[Fact] = [
        MoneySpent(
            costs.tenant,
            costs.purpose,
            bill.model,
            bill.usage.prompt_tokens,
            bill.usage.completion_tokens,
            float(money_of(bill.amount or 0)),
        )
        for bill in costs.bills
        if bill.usage is not None
    ]
    told += [CostUnknown(costs.tenant, costs.purpose, bill.model, 1) for bill in costs.bills if bill.unknown]
    if costs.earlier_calls:
        told.append(CostUnknown(costs.tenant, costs.purpose, costs.model, costs.earlier_calls))
    return told


def spend_record(account: SpendAccount, spent: Spent) -> dict[str, Any]:
    """The fields of a record on the ``spend`` topic."""
    return {
        "tenant": account.tenant,
        "purpose": account.purpose,
        "currency": account.currency,
        "day": day_text(account.day),
        "requests": spent.requests,
        "calls": spent.calls,
        "unknown_calls": spent.unknown_calls,
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "amount": money_of(spent.amount),
    }


def read_spend(record: Mapping[str, Any]) -> tuple[SpendAccount, Spent]:
    """What such a record says; ``ValueError`` where it says nothing sensible."""
    account = SpendAccount(record["tenant"], record["purpose"], record["currency"], day_from(record["day"]))
    names = ("requests", "calls", "unknown_calls", "prompt_tokens", "completion_tokens")
    return account, Spent(**{name: record[name] for name in names}, amount=amount_of(record["amount"]))

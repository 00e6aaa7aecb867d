"""What one request has cost so far, and whether its next call can be paid."""

from __future__ import annotations

from dataclasses import dataclass, field

from streamgate.effects import Clock
from streamgate.provider import NOT_BILLED, Bill, CallFailed, ChatReply, Hold, Payable, Prices, Purse, day_of
from streamgate.types import Usage


@dataclass(frozen=True, slots=True)
class Till:
    """Prices and budgets of this worker."""

    prices: Prices
    purse: Purse
    clock: Clock

    def open(self, tenant: str, purpose: str, *, batch: bool = False) -> Tab:
        """A tab for one request; ``batch``: at the Batch API's price."""
        return Tab(self, self.purse.open(tenant, purpose), batch)


@dataclass(slots=True)
class Tab:
    """One request's; what it holds of the budgets is let go of when its bills were counted, or when it is dropped."""

    till: Till
    hold: Hold
    batch: bool = False
    bills: list[Bill] = field(default_factory=list)

    def unknown(self) -> bool:
        """Whether it cannot be told yet what is left: what others have spent is still being read."""
        return bool(self.hold.whose) and not self.till.purse.known()

    def payable(self, model: str, estimate: Usage) -> Payable:
        """Whether a call of this size could be paid now."""
        return self.till.purse.payable(self.hold, self._with(model, estimate), day_of(self.till.clock.now_ms()))

    def take(self, model: str, estimate: Usage) -> Payable:
        """Set the money for a call aside, where there is enough."""
        payable = self.payable(model, estimate)
        if payable is Payable.NOW:
            self.till.purse.take(self.hold, self._with(model, estimate))
        return payable

    def not_called(self) -> None:
        """Give back what was set aside for a call that was not made."""
        self.till.purse.take(self.hold, self._paid())

    def answered(self, model: str, reply: ChatReply) -> None:
        """A call came back."""
        self._add(model, reply.usage, billed=True)

    def failed(self, model: str, failure: CallFailed) -> None:
        """A call failed: it costs what the provider says it used."""
        self._add(model, failure.usage, billed=failure.reason not in NOT_BILLED)

    def drop(self) -> None:
        """The request is somebody else's now."""
        self.till.purse.take(self.hold, 0)

    def _add(self, model: str, usage: Usage | None, *, billed: bool) -> None:
        amount = None if usage is None else self.till.prices.price(model, usage, batch=self.batch)
        self.bills.append(Bill(model, usage, amount, unknown=billed and usage is None))
        self.till.purse.take(self.hold, self._paid())

    def _paid(self) -> int:
        return sum(bill.amount or 0 for bill in self.bills)

    def _with(self, model: str, estimate: Usage) -> int:
        return self._paid() + (self.till.prices.price(model, estimate, batch=self.batch) or 0)

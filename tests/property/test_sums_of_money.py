"""Sums of money: exact over every way to split the work, and over everything that may be published twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamgate.pipeline._spending import Costs, Spending, read_spend
from streamgate.pipeline._tab import Till
from streamgate.pipeline.ports.stage import Effects
from streamgate.provider import (
    Bill,
    Hold,
    MoneyLimit,
    Payable,
    Period,
    Price,
    Prices,
    Purse,
    Scope,
    SpendAccount,
    Spent,
    Whose,
    day_of,
)
from streamgate.topology import Overlay, Rows
from streamgate.types import Topic, Usage
from tests.fakes.effects import FakeClock
from tests.fakes.pipeline import on, schemas

ACME, SUPPORT = Whose(Scope.TENANT, "acme"), Whose(Scope.PURPOSE, "support")
PRICES = Prices({"small": Price(100, 400), "large": Price(2_500_000, 10_000_000)})
NOW_MS = 1_750_000_000_000
TODAY = day_of(NOW_MS)
PARTITIONS = 3


@st.composite
def bills(draw: st.DrawFn) -> Bill:
    model = draw(st.sampled_from(["small", "large", "unpriced"]))
    if draw(st.integers(0, 4)) == 0:
        return Bill(model, None, None, unknown=draw(st.booleans()))
    usage = Usage(draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6)))
    return Bill(model, usage, PRICES.price(model, usage))


COSTS = st.builds(
    Costs,
    st.sampled_from(["acme", "globex"]),
    st.sampled_from(["support", "hr"]),
    st.just("small"),
    st.lists(bills(), min_size=1, max_size=3).map(tuple),
    st.integers(0, 2),
)


def committed(work: list[tuple[int, Costs, bool]], spending: Spending) -> list[tuple[int, dict[str, Any]]]:
    """What is published when each request is decided on its partition; ``True`` ends the transaction after it."""
    rows, views, made, published = Rows(), {}, {number: Effects() for number in range(PARTITIONS)}, []
    for partition, costs, ends in [*work, *((number, None, True) for number in range(PARTITIONS))]:
        view = views.setdefault(partition, Overlay(rows, partition))
        if costs is not None:
            effects = spending.count(partition, view, costs, NOW_MS)
            view.put(effects)
            made[partition] = Effects((*made[partition].rows, *effects.rows), (*made[partition].outputs, *effects.outputs))
        if ends:
            rows.apply(partition, made[partition].rows)
            published += [(partition, record) for record in on(made[partition], Topic.SPEND)]
            made[partition] = Effects()
            del views[partition]
    return published


@given(st.lists(st.tuples(st.integers(0, PARTITIONS - 1), COSTS, st.booleans()), max_size=20), st.randoms(use_true_random=False))
def test_sums_equal_the_total_however_it_was_split(work: list[tuple[int, Costs, bool]], chance: Any) -> None:
    """Over partitions and transactions; and read by somebody who sees some of it twice, and starts again in the middle."""
    limits = {ACME: MoneyLimit(10**30, 10**30), SUPPORT: MoneyLimit(10**30)}
    purse = Purse(limits)
    published = committed(work, Spending(schemas().latest(Topic.SPEND), Till(PRICES, purse, FakeClock(NOW_MS))))
    last = {(partition, record["tenant"], record["purpose"]): read_spend(record)[1] for partition, record in published}
    for tenant in ("acme", "globex"):
        total = sum((Spent.of(costs.bills, costs.earlier_calls) for _, costs, _ in work if costs.tenant == tenant), Spent())
        assert sum((spent for (_, whose, _), spent in last.items() if whose == tenant), Spent()) == total
    restart = chance.randint(0, len(published))
    for partition, record in [*published[:restart], *published, *published[restart:]]:
        purse.learn(partition, *read_spend(record), TODAY)
    for whose, chosen in ((ACME, lambda costs: costs.tenant == "acme"), (SUPPORT, lambda costs: costs.purpose == "support")):
        spent = sum(bill.amount or 0 for _, costs, _ in work if chosen(costs) for bill in costs.bills)
        assert purse.left(whose, Period.DAY, TODAY) == 10**30 - spent


@dataclass
class Replica:
    """One worker that owns one partition; it hears of everything late."""

    number: int
    purse: Purse
    heard: int = 0
    total: Spent = field(default_factory=Spent)
    out: list[tuple[Hold, int]] = field(default_factory=list)


@given(
    budget=st.integers(0, 400),
    replicas=st.integers(1, 4),
    steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["call", "call", "end", "hear"]), st.integers(1, 30)), max_size=120),
)
def test_no_more_is_overspent_than_others_had_out(budget: int, replicas: int, steps: list[tuple[int, str, int]]) -> None:
    """With calls no dearer than estimated, what goes beyond a budget was out, or not yet heard of, in other replicas: one alone never does."""
    account = SpendAccount("acme", "support", "USD", TODAY)
    workers = [Replica(number, Purse({ACME: MoneyLimit(per_day=budget)})) for number in range(replicas)]
    topic: list[tuple[int, Spent]] = []
    unseen = 0
    for number, what, amount in steps:
        worker = workers[number % replicas]
        if what == "call":
            hold = worker.purse.open("acme", "support")
            if worker.purse.payable(hold, amount, TODAY) is Payable.NOW:
                worker.purse.take(hold, amount)
                worker.out.append((hold, amount))
                elsewhere = sum(cost for other in workers if other is not worker for _, cost in other.out)
                unheard = sum(spent.amount for spent in _new(topic, worker.heard, worker.number))
                unseen = max(unseen, elsewhere + unheard)
        elif what == "end" and worker.out:
            hold, cost = worker.out.pop(0)
            worker.total += Spent(1, 1, amount=min(cost, amount))
            worker.purse.take(hold, min(cost, amount))
            worker.purse.counted(hold, worker.number, account, worker.total.requests)
            topic.append((worker.number, worker.total))
        elif what == "hear" and worker.heard < len(topic):
            worker.purse.learn(topic[worker.heard][0], account, topic[worker.heard][1], TODAY)
            worker.heard += 1
    spent = sum(worker.total.amount + sum(cost for _, cost in worker.out) for worker in workers)
    assert spent <= budget + unseen
    if replicas == 1:
        assert spent <= budget


def _new(topic: list[tuple[int, Spent]], heard: int, own: int) -> list[Spent]:
    """What others have spent since, by the sums that a reader has not come to."""
    before = {number: total.amount for number, total in topic[:heard]}
    last = {number: total.amount for number, total in topic[heard:] if number != own}
    return [Spent(amount=amount - before.get(number, 0)) for number, amount in last.items()]

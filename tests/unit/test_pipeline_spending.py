"""Money: counted with the completion, held before the call, refused when it is spent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from streamgate.pipeline._egress_state import SPEND_KEPT_DAYS, EgressState, EgressSweep
from streamgate.pipeline._spending import read_spend
from streamgate.pipeline.ports.stage import Effects
from streamgate.provider import (
    ChatReply,
    MoneyLimit,
    Period,
    Purse,
    Reason,
    Scope,
    SpendAccount,
    Spent,
    Whose,
    day_of,
    failed,
)
from streamgate.telemetry import CostUnknown, MoneySpent
from streamgate.topology import Overlay, Rows
from streamgate.types import Topic, Usage
from tests.fakes.egress import REFERENCE, Egress
from tests.fakes.pipeline import on
from tests.topology.toy import until

ACME = Whose(Scope.TENANT, "acme")
REPLY = ChatReply(text="yes", finish_reason="stop", model="gpt-test", usage=Usage(10, 5), provider_request_id="req_1")
COST = 10 * 100 + 5 * 400


def with_budget(amount: int, *script: Any, **settings: Any) -> Egress:
    return Egress(*script, purse=Purse({ACME: MoneyLimit(per_day=amount)}), **settings)


def sums(effects: Effects) -> list[Spent]:
    return [read_spend(record)[1] for record in on(effects, Topic.SPEND)]


def heard(it: Egress, effects: Effects) -> None:
    """What the worker reads back of its own."""
    for record in on(effects, Topic.SPEND):
        it.purse.learn(0, *read_spend(record), day_of(it.clock.now_ms()))


async def test_a_completion_counts_what_it_cost() -> None:
    """Row and record say the same, the key names who and when; the audit log and the metrics are told."""
    it = Egress(REPLY)
    effects = await it.handle(it.record())
    assert sums(effects) == [Spent(1, 1, 0, 10, 5, COST)]
    (output,) = [output for output in effects.outputs if output.topic == Topic.SPEND]
    assert output.key == b"acme\x1fsupport\x1fUSD\x1f2025-06-15"
    account = SpendAccount("acme", "support", "USD", day_of(it.clock.now_ms()))
    assert EgressState.spent_from(it.state.rows[EgressState.spent(account)]) == Spent(1, 1, 0, 10, 5, COST)
    (event,) = on(effects, Topic.AUDIT_EVENTS)
    assert (event["cost"], event["counts"]) == ("0.000000003 USD", {"calls": 1, "prompt_tokens": 10, "completion_tokens": 5})
    assert [fact for fact in effects.facts if isinstance(fact, MoneySpent)] == [
        MoneySpent("acme", "support", "gpt-test", 10, 5, float(f"{COST}e-12"))
    ]


async def test_completions_of_one_transaction_see_each_other() -> None:
    """The second adds to the first, though Kafka has neither yet."""
    it = Egress(REPLY, REPLY)
    first, second = [await it.stage.prepare(it.record(request_id=bytes([number]) * 16)) for number in (1, 2)]
    view = Overlay(Rows(), 0)
    view.put(first.decide(0, view))
    assert sums(second.decide(0, view)) == [Spent(2, 2, 0, 20, 10, 2 * COST)]


async def test_a_new_day_begins_a_new_sum() -> None:
    """By the time of the completion, UTC."""
    it = Egress(REPLY, REPLY)
    await it.handle(it.record())
    it.clock.advance(86_400)
    it.standing.mark()
    assert sums(await it.handle(it.record(request_id=b"2" * 16))) == [Spent(1, 1, 0, 10, 5, COST)]


async def test_a_request_for_which_nobody_was_called_costs_nothing() -> None:
    """It is not in the sums either."""
    it = Egress()
    it.standing.forbid(0, REFERENCE, "support", 6)
    effects = await it.handle(it.record())
    assert (sums(effects), on(effects, Topic.AUDIT_EVENTS)[0]["cost"]) == ([], None)


async def test_a_failed_call_costs_what_the_provider_says_it_used() -> None:
    """A reply that was refused is billed all the same, and so is each call of one request."""
    it = Egress(failed(Reason.SERVER_ERROR), failed(Reason.RATE_LIMITED), failed(Reason.REFUSED, usage=Usage(10, 5)))
    effects = await it.handle(it.record())
    assert sums(effects) == [Spent(1, 3, 1, 10, 5, COST)]
    (event,) = on(effects, Topic.AUDIT_EVENTS)
    assert (event["fact"], event["cost"]) == ("call_failed", "0.000000003 USD")
    assert event["counts"] == {"calls": 3, "unknown_cost_calls": 1, "prompt_tokens": 10, "completion_tokens": 5}
    assert [fact for fact in effects.facts if isinstance(fact, CostUnknown)] == [CostUnknown("acme", "support", "gpt-test", 1)]


@pytest.mark.parametrize(
    ("reason", "unknown"),
    [(Reason.TIMEOUT, 1), (Reason.CONNECTION, 1), (Reason.WRONG_SHAPE, 1), (Reason.UNAUTHORISED, 0), (Reason.QUOTA_SPENT, 0)],
)
async def test_calls_that_may_have_been_billed_are_counted(reason: Reason, unknown: int) -> None:
    """Those that a model may have seen; not those that were turned away."""
    it = Egress(failed(reason), max_attempts=1)
    assert sums(await it.handle(it.record())) == [Spent(1, 1, unknown)]


async def test_a_reply_without_usage_has_an_unknown_cost() -> None:
    """It is answered."""
    it = Egress(ChatReply("yes", "stop", "gpt-test"))
    effects = await it.handle(it.record())
    assert (sums(effects), on(effects, Topic.COMPLETIONS)[0]["code"]) == ([Spent(1, 1, 1)], "ok")
    assert on(effects, Topic.AUDIT_EVENTS)[0]["cost"] is None


async def test_calls_begun_before_a_crash_may_have_been_billed() -> None:
    """How they ended nobody knows."""
    it = Egress(REPLY)
    it.state.rows[EgressState.intended(bytes(16))] = (2).to_bytes(4, "big")
    effects = await it.handle(it.record())
    assert sums(effects) == [Spent(1, 3, 2, 10, 5, COST)]
    assert CostUnknown("acme", "support", "gpt-test", 2) in effects.facts


async def test_a_call_that_was_made_twice_is_paid_twice() -> None:
    """The second completion is dropped; its cost is not."""
    it = Egress(REPLY, REPLY)
    record = it.record()
    late = await it.stage.prepare(record)
    it.stage.forget_in_flight()
    await it.handle(record)
    effects = late.decide(0, it.state)
    assert on(effects, Topic.COMPLETIONS) == []
    assert sums(effects)[0].amount == 2 * COST


async def test_a_model_without_a_price_costs_no_money() -> None:
    """Its tokens are counted."""
    it = Egress(ChatReply("yes", "stop", "gpt-other", Usage(10, 5)))
    assert sums(await it.handle(it.record(model="gpt-other"))) == [Spent(1, 1, 0, 10, 5, 0)]


async def test_a_spent_budget_ends_the_prompt_without_a_call() -> None:
    """At once, with its code and no trace of a call; a tenant without a budget is called."""
    it = with_budget(1)
    effects = await it.handle(it.record())
    (completion,) = on(effects, Topic.COMPLETIONS)
    assert (completion["code"], completion["calls"]) == ("money_spent", 0)
    assert (it.model.calls, it.trail.outputs, it.sleeper.slept, sums(effects)) == ([], [], [], [])
    assert it.budgets.left("gpt-test", it.clock.monotonic()).requests == 1_000
    others = await it.handle(it.record(tenant="globex", request_id=b"2" * 16))
    assert on(others, Topic.COMPLETIONS)[0]["code"] == "ok"


async def test_a_budget_is_spent_to_its_last_estimate() -> None:
    """Call after call, until what is left does not suffice for the next one; what was spent stays below."""
    estimate = 50 * 400 + 4_000
    it = with_budget(estimate + 4 * COST)
    ended = []
    for number in range(20):
        it.standing.mark()
        effects = await it.handle(it.record(request_id=bytes([number]) * 16))
        heard(it, effects)
        ended.append(on(effects, Topic.COMPLETIONS)[0]["code"])
    assert set(ended) == {"ok", "money_spent"}
    assert ended == sorted(ended, key=lambda code: code == "money_spent")
    assert it.purse.left(ACME, Period.DAY, day_of(it.clock.now_ms())) == estimate + 4 * COST - ended.count("ok") * COST > 0


async def test_a_failed_call_is_not_made_again_where_the_money_is_gone() -> None:
    """The failure's own cost counts."""
    it = with_budget(50_000, failed(Reason.NOT_JSON, usage=Usage(300, 50)), REPLY)
    effects = await it.handle(it.record())
    assert (on(effects, Topic.COMPLETIONS)[0]["code"], len(it.model.calls)) == ("money_spent", 1)
    assert sums(effects) == [Spent(1, 1, 0, 300, 50, 50_000)]


async def test_who_could_pay_but_for_calls_that_are_out_waits() -> None:
    """They may turn out cheaper than what was set aside for them."""
    it = with_budget(40_000)
    it.model.gate = asyncio.Event()
    first = asyncio.create_task(it.stage.prepare(it.record()))
    await until(lambda: bool(it.model.calls))
    second = asyncio.create_task(it.stage.prepare(it.record(request_id=b"2" * 16, deadline_at=it.clock.now_ms() + 10**10)))
    await until(lambda: bool(it.sleeper.slept))
    assert len(it.model.calls) == 1
    it.standing.then.append(it.standing.mark)  # its watermark is old by then
    it.model.gate.set()
    it.state.carry_out((await first).decide(0, it.state))
    assert on((await second).decide(0, it.state), Topic.COMPLETIONS)[0]["code"] == "ok"


async def test_what_was_spent_is_read_before_anybody_is_called() -> None:
    """Until the deadline."""
    it = with_budget(10**9)
    it.purse.known = lambda: len(it.sleeper.slept) > 3
    assert on(await it.handle(it.record()), Topic.COMPLETIONS)[0]["code"] == "ok"
    assert len(it.sleeper.slept) == 4
    it.purse.known = lambda: False
    it.standing.mark()
    effects = await it.handle(it.record(request_id=b"2" * 16, deadline_at=it.clock.now_ms() + 1_000))
    assert (on(effects, Topic.COMPLETIONS)[0]["code"], len(it.model.calls)) == ("deadline_exceeded", 1)


async def test_a_cancelled_call_holds_nothing() -> None:
    """Whoever takes the partition over makes it again."""
    it = with_budget(40_000)
    it.model.gate = asyncio.Event()
    task = asyncio.create_task(it.stage.prepare(it.record()))
    await until(lambda: bool(it.model.calls))
    today = day_of(it.clock.now_ms())
    assert (it.purse.left(ACME, Period.DAY, today) or 0) < 40_000
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert it.purse.left(ACME, Period.DAY, today) == 40_000


async def test_sums_are_forgotten_after_two_months() -> None:
    """Row and record get a tombstone each; not a day earlier, because last month is still asked for."""
    it = Egress(REPLY)
    await it.handle(it.record())
    it.clock.advance((SPEND_KEPT_DAYS - 1) * 86_400)
    while it.swept():
        it.clock.advance(60)
    assert {key[:1] for key in it.state.rows} == {b"S"}
    it.clock.advance(86_400)
    (forget,) = EgressSweep(it.clock).due(0, it.state)
    effects = forget.decide(0, it.state)
    assert [(output.topic, output.key, output.value) for output in effects.outputs] == [
        (Topic.SPEND, b"acme\x1fsupport\x1fUSD\x1f2025-06-15", None)
    ]
    it.state.carry_out(effects)
    assert not it.state.rows

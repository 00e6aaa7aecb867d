"""The caller: budget, permission, a trace, then the call; again where failure and deadline allow."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from streamgate.errors import Code, Unavailable
from streamgate.pipeline._call import Asked, Called
from streamgate.pipeline._masked_request import chat_call
from streamgate.provider import CallFailed, ChatReply, Reason, failed
from streamgate.telemetry import BudgetLeft, CallFinished, CallRetried, TokensUsed
from streamgate.types import Usage
from tests.fakes.egress import Egress

REPLY = ChatReply(text="yes", finish_reason="stop", model="gpt-test", usage=Usage(10, 5), provider_request_id="req_1")


class Steps:
    """What the caller asked for before each call, in order."""

    def __init__(self, it: Egress, permits: Sequence[Code] = (), *, intent_fails: bool = False) -> None:
        self.it, self.permits, self.intent_fails = it, list(permits), intent_fails
        self.seen: list[str] = []

    async def permit(self) -> Code:
        self.seen.append(f"permit before call {len(self.it.model.calls) + 1}")
        return self.permits.pop(0) if self.permits else Code.OK

    async def intend(self) -> None:
        self.seen.append(f"intent before call {len(self.it.model.calls) + 1}")
        if self.intent_fails:
            raise Unavailable(Code.INTERNAL_ERROR, "audit-events")

    async def call(self, seconds: float = 120.0) -> Called:
        request = self.it.request()
        deadline_ms = self.it.clock.now_ms() + round(seconds * 1000)
        asked = Asked(chat_call(request), "acme", deadline_ms, self.it.till.open("acme", "support"))
        return await self.it.caller.call(asked, self.permit, self.intend)


async def test_permission_and_intent_come_before_the_call() -> None:
    """In this order, and permission once more when the intent is on its topic; the reply and its use come back."""
    it = Egress(REPLY)
    steps = Steps(it)
    called = await steps.call()
    assert steps.seen == ["permit before call 1", "intent before call 1", "permit before call 1"]
    assert (called.code, called.reply, called.calls) == (Code.OK, REPLY, 1)
    assert it.telemetry.of(TokensUsed) == [TokensUsed("gpt-test", 10, 5)]
    assert it.telemetry.of(BudgetLeft)[0].requests == 999
    assert [fact.code for fact in it.telemetry.of(CallFinished)] == [Code.OK]


async def test_without_permission_nothing_is_called() -> None:
    """No intent either, and the budget is given back."""
    it = Egress()
    steps = Steps(it, [Code.CONSENT_WITHDRAWN])
    called = await steps.call()
    assert (called.code, called.calls, steps.seen) == (Code.CONSENT_WITHDRAWN, 0, ["permit before call 1"])
    assert not it.model.calls
    assert it.budgets.left("gpt-test", it.clock.monotonic()).requests == 1_000


async def test_a_withdrawal_while_the_intent_is_written_stops_the_call() -> None:
    """However long the audit topic takes to acknowledge it."""
    it = Egress()
    called = await Steps(it, [Code.OK, Code.CONSENT_WITHDRAWN]).call()
    assert (called.code, called.calls) == (Code.CONSENT_WITHDRAWN, 0)
    assert not it.model.calls
    assert it.budgets.left("gpt-test", it.clock.monotonic()).requests == 1_000


async def test_a_call_that_leaves_no_trace_is_not_made() -> None:
    """The audit topic does not take the intent: the prompt fails, and the budget is given back."""
    it = Egress()
    called = await Steps(it, intent_fails=True).call()
    assert (called.code, called.calls) == (Code.PROVIDER_FAILED, 0)
    assert not it.model.calls
    assert it.budgets.left("gpt-test", it.clock.monotonic()).requests == 1_000


async def test_a_spent_budget_is_waited_for() -> None:
    """A minute, and no longer."""
    it = Egress(requests_per_minute=1)
    await Steps(it).call()
    called = await Steps(it).call()
    assert called.code is Code.OK
    assert sum(it.sleeper.slept) == pytest.approx(60.0, abs=0.5)


async def test_a_budget_that_has_no_room_before_the_deadline_fails_the_call() -> None:
    """At once: waiting would not help."""
    it = Egress(requests_per_minute=1)
    await Steps(it).call()
    steps = Steps(it)
    called = await steps.call(seconds=10.0)
    assert (called.code, called.calls, steps.seen) == (Code.DEADLINE_EXCEEDED, 0, [])
    assert not it.sleeper.slept


async def test_a_passing_failure_is_tried_again() -> None:
    """With a permission and an intent of its own each time."""
    it = Egress(failed(Reason.SERVER_ERROR), failed(Reason.TIMEOUT), REPLY)
    steps = Steps(it)
    called = await steps.call()
    assert (called.code, called.calls) == (Code.OK, 3)
    assert steps.seen == [f"{step} before call {number}" for number in (1, 2, 3) for step in ("permit", "intent", "permit")]
    assert [fact.reason for fact in it.telemetry.of(CallRetried)] == ["server_error", "timeout"]


@pytest.mark.parametrize("failure", [failed(Reason.UNAUTHORISED), failed(Reason.QUOTA_SPENT), failed(Reason.CONTENT_FILTERED)])
async def test_a_final_failure_is_not_tried_again(failure: CallFailed) -> None:
    """It would fail the same way."""
    it = Egress(failure, REPLY)
    called = await Steps(it).call()
    assert (called.code, called.calls, called.reply) == (failure.code, 1, None)
    assert not it.sleeper.slept


async def test_attempts_end() -> None:
    """The last failure's code stands."""
    it = Egress(*[failed(Reason.SERVER_ERROR)] * 9, max_attempts=2)
    called = await Steps(it).call()
    assert (called.calls, called.code) == (2, failed(Reason.SERVER_ERROR).code)


async def test_a_withdrawal_between_attempts_stops_them() -> None:
    """Permission is asked for before every call."""
    it = Egress(failed(Reason.SERVER_ERROR), REPLY)
    called = await Steps(it, [Code.OK, Code.OK, Code.CONSENT_WITHDRAWN]).call()
    assert (called.code, called.calls) == (Code.CONSENT_WITHDRAWN, 1)
    assert len(it.model.calls) == 1


async def test_what_the_provider_asks_to_wait_is_waited() -> None:
    """Not earlier than ``retry-after``."""
    it = Egress(failed(Reason.RATE_LIMITED, retry_after_seconds=7.0), REPLY)
    called = await Steps(it).call()
    assert called.code is Code.OK
    assert sum(it.sleeper.slept) >= 7.0


async def test_no_attempt_is_made_past_the_deadline() -> None:
    """A wait that would reach it is not begun."""
    it = Egress(failed(Reason.RATE_LIMITED, retry_after_seconds=30.0), REPLY)
    called = await Steps(it).call(seconds=20.0)
    assert (called.calls, it.sleeper.slept) == (1, [])

"""Whose turn it is, and how much is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgate.errors import ConfigError
from streamgate.provider import (
    Amount,
    Breaker,
    Budgets,
    ChatCall,
    ChatReply,
    Claim,
    Quota,
    RateHeaders,
    Reason,
    Reserved,
    Ticket,
    TokenEstimate,
    estimate_tokens,
    failed,
    limit,
)
from streamgate.types import MaskedMessage, MaskedText, Parameters, Usage


def a_call(text: str = "x" * 100, model: str = "m", most: int | None = 50) -> ChatCall:
    return ChatCall(b"", model, (MaskedMessage("user", MaskedText(text)),), Parameters(max_output_tokens=most), "sg")


def a_claim(call: ChatCall | None = None, tenant: str = "acme", *, bulk: bool = False, deadline: float = 1e6) -> Claim:
    return Claim(call or a_call(), tenant, bulk, deadline)


def a_reply(usage: Usage | None = None, limits: RateHeaders | None = None) -> ChatReply:
    return ChatReply("text", "stop", "m", usage, None, limits)


def served(budgets: Budgets, now: float = 0.0) -> dict[Ticket, Reserved | None]:
    return dict(budgets.serve(now))


def reserved(budgets: Budgets, call: ChatCall | None = None, now: float = 0.0) -> Reserved:
    ticket = budgets.enter(a_claim(call), now)
    answer = served(budgets, now)[ticket]
    assert answer is not None
    return answer


def test_models_have_budgets_of_their_own() -> None:
    """A named one, and the default for each other."""
    budgets = Budgets(Amount(1, 1000), {"big": Amount(2, 5000)})
    assert (budgets.left("big", 0.0), budgets.left("m", 0.0)) == (Amount(2, 5000), Amount(1, 1000))
    reserved(budgets)
    waiting = budgets.enter(a_claim(), 1.0)
    assert waiting not in served(budgets, 1.0)
    reserved(budgets, a_call(model="other"), 1.0)
    assert served(budgets, 60.5)[waiting] is not None


def test_a_call_that_was_not_made_gives_everything_back() -> None:
    """Permission was withdrawn between the reservation and the call."""
    budgets = Budgets(Amount(1, 1000), by_tenant={"acme": Amount(1, 1000)})
    budgets.release(reserved(budgets), 0.0)
    assert budgets.left("m", 0.0) == Amount(1, 1000)
    reserved(budgets, now=1.0)


def test_the_minute_of_a_call_begins_when_it_goes_out() -> None:
    """Permission took ten seconds: the provider counts from then."""
    budgets = Budgets(Amount(1, 1000))
    assert budgets.sends(reserved(budgets), 10.0)
    waiting = budgets.enter(a_claim(), 61.0)
    assert waiting not in served(budgets, 61.0)
    assert waiting in served(budgets, 70.5)


@pytest.mark.parametrize("lease_ends", [5.0, 1e9])
def test_a_call_whose_room_is_gone_is_not_made(lease_ends: float) -> None:
    """The process was stopped: its lease is over, or the reservation has left the window. Others may use that room by now."""

    class Leased:
        """Everything, until the lease ends."""

        def holds(self, name: str, now: float) -> Amount:
            del name
            return Amount(10, 10_000) if now < lease_ends else Amount()

        def share(self, name: str, limit: Amount) -> Amount:
            del name
            return limit

        def others(self, name: str) -> Amount:
            del name
            return Amount()

    budgets = Budgets(Amount(10, 10_000), shares=Leased())
    room = reserved(budgets)
    assert not budgets.sends(room, 10.0 if lease_ends < 10.0 else 61.0)
    assert budgets.left("m", 61.0) == Amount(10, 10_000)


def test_a_call_that_was_made_is_settled_by_its_usage() -> None:
    """The request stays taken."""
    budgets = Budgets(Amount(2, 1000))
    call = a_call()
    budgets.succeeded(call, reserved(budgets, call), a_reply(Usage(30, 5)), 1.0, 1.0)
    assert budgets.left("m", 1.0) == Amount(1, 965)


@pytest.mark.parametrize("reply", [a_reply(), None])
def test_without_usage_the_estimate_stands(reply: ChatReply | None) -> None:
    """The provider said nothing, or the call failed, which may have been answered and billed."""
    budgets = Budgets(Amount(2, 1000))
    call = a_call()
    room = reserved(budgets, call)
    if reply is None:
        budgets.failed(room, failed(Reason.TIMEOUT), 1.0)
    else:
        budgets.succeeded(call, room, reply, 1.0, 1.0)
    assert budgets.left("m", 1.0) == Amount(1, 1000 - room.tokens)


def test_a_rate_limit_pauses_the_model_for_everybody() -> None:
    """For as long as the provider asked, a minute at most; other models go on."""
    budgets = Budgets(Amount(100, 100_000))
    budgets.failed(reserved(budgets, now=10.0), failed(Reason.RATE_LIMITED, retry_after_seconds=7.0), 10.0)
    waiting = budgets.enter(a_claim(), 12.0)
    assert served(budgets, 16.9) == {}
    reserved(budgets, a_call(model="other"), 16.9)
    room = served(budgets, 17.0)[waiting]
    assert room is not None
    budgets.failed(room, failed(Reason.RATE_LIMITED, retry_after_seconds=86_400.0), 17.0)
    waiting = budgets.enter(a_claim(), 18.0)
    assert served(budgets, 76.9) == {}
    assert waiting in served(budgets, 77.0)


def test_headers_of_replies_and_failures_lower_what_is_left() -> None:
    """Somebody else uses the same account; what is not said again is forgotten after a moment."""
    budgets = Budgets(Amount(100, 100_000))
    call = a_call()
    limits = RateHeaders(Quota(100, 3, 30.0), Quota(None, 200, 30.0))
    budgets.succeeded(call, reserved(budgets, call), a_reply(Usage(30, 5), limits), 1.0, 0.0)
    assert budgets.left("m", 0.0) == Amount(8, 5200)
    assert budgets.left("m", 5.0) == Amount(99, 99_965)
    budgets.failed(reserved(budgets, now=6.0), failed(Reason.SERVER_ERROR, limits=RateHeaders(Quota(50, 0))), 6.0)
    assert budgets.left("m", 6.0).requests == 2
    assert budgets.left("m", 11.0).requests == 48


def test_the_breaker_opens_after_failures_in_a_row_and_lets_one_call_probe() -> None:
    """Pauses double; a success closes it."""
    budgets = Budgets(Amount(1000, 1_000_000))
    for room in [reserved(budgets) for _ in range(5)]:
        budgets.failed(room, failed(Reason.SERVER_ERROR), 0.0)
    waiting = [budgets.enter(a_claim(), 0.5) for _ in range(3)]
    assert served(budgets, 0.5) == {}
    [(first, probe)] = served(budgets, 1.0).items()
    assert (first, probe is not None) == (waiting[0], True)
    assert probe is not None
    budgets.failed(probe, failed(Reason.SERVER_ERROR), 1.0)
    assert served(budgets, 2.9) == {}
    [probe] = served(budgets, 3.0).values()
    assert probe is not None
    budgets.succeeded(a_call(), probe, a_reply(), 1.0, 3.0)
    assert list(served(budgets, 3.0)) == waiting[2:]


def test_who_waits_when_the_breaker_opens_goes_elsewhere() -> None:
    """Where there is another model; everybody else waits for the end of the pause. Models have breakers of their own."""
    budgets = Budgets(Amount(1000, 1_000_000))
    first, *rooms = [reserved(budgets) for _ in range(6)]
    budgets.failed(first, failed(Reason.RATE_LIMITED, retry_after_seconds=30.0), 0.0)
    stays = budgets.enter(a_claim(), 0.0)
    goes = budgets.enter(replace(a_claim(), elsewhere=True), 0.0)
    assert served(budgets) == {}
    for room in rooms:
        budgets.failed(room, failed(Reason.CONNECTION), 0.0)
    assert (served(budgets), budgets.in_outage("m", 0.0), budgets.in_outage("azure-eu/m", 0.0)) == ({goes: None}, True, False)
    assert stays in served(budgets, 60.5)


def test_the_same_model_at_two_providers_has_two_budgets() -> None:
    """And two estimates, pauses and breakers."""
    budgets = Budgets(Amount(1, 1000), {"azure-eu/m": Amount(7, 7000)})
    call = replace(a_call(), provider="azure-eu")
    budgets.failed(reserved(budgets, call), failed(Reason.RATE_LIMITED, retry_after_seconds=9.0), 0.0)
    assert (budgets.left("azure-eu/m", 0.0).requests, budgets.left("m", 0.0)) == (6, Amount(1, 1000))
    assert (budgets.held_seconds("azure-eu/m", 0.0), budgets.held_seconds("m", 0.0)) == (9.0, 0.0)
    assert set(budgets.needs(0.0)) == {"model:azure-eu/m", "model:m"}


def test_interactive_goes_before_bulk_and_bulk_leaves_room_for_it() -> None:
    """However many wait in bulk, and however long."""
    budgets = Budgets(Amount(1000, 10_000_000))
    for _ in range(2000):
        budgets.enter(a_claim(tenant="batch", bulk=True), 0.0)
    now, most = 0.0, 0
    while now < 60.0:
        most = max(most, len(served(budgets, now)))
        now += 0.5
    interactive = [budgets.enter(a_claim(tenant="other"), now) for _ in range(10)]
    answers = served(budgets, now)
    assert all(answers[each] is not None for each in interactive)
    assert most <= 1000 * 1.5 / 12 + 1


def test_bulk_is_spread_over_the_minute() -> None:
    """Almost all of the allowance is used, and in no five seconds more than one and a half of its twelfth part."""
    budgets = Budgets(Amount(600, 10_000_000))
    for _ in range(5000):
        budgets.enter(a_claim(bulk=True), 0.0)
    calls = [len(served(budgets, step / 10)) for step in range(3000)]
    assert sum(calls[1200:]) >= 600 * 3 * 0.98
    assert max(sum(calls[start : start + 50]) for start in range(1200, 2950)) <= 600 * 1.5 / 12 + 1


def test_tenants_take_turns_by_what_they_have_used() -> None:
    """One that comes late with little is not behind a crowd."""
    budgets = Budgets(Amount(10, 1_000_000))
    crowd = [budgets.enter(a_claim(tenant="crowd"), 0.0) for _ in range(30)]
    first = set(served(budgets, 0.0))
    late = budgets.enter(a_claim(tenant="late"), 1.0)
    now = 1.0
    while late not in (answers := served(budgets, now)):
        now += 0.5
        assert now < 120.0
    assert len(first & set(crowd)) > 0
    assert next(iter(answers)) == late


def test_within_a_tenant_the_earliest_deadline_is_first() -> None:
    """Whoever asked first."""
    budgets = Budgets(Amount(1, 1_000_000))
    reserved(budgets)
    later = budgets.enter(a_claim(deadline=500.0), 1.0)
    sooner = budgets.enter(a_claim(deadline=400.0), 2.0)
    assert list(served(budgets, 60.5)) == [sooner]
    assert list(served(budgets, 121.0)) == [later]


def test_a_tenant_at_its_limit_holds_up_nobody_else() -> None:
    """Its own limit is over all models, and its calls wait for it."""
    budgets = Budgets(Amount(100, 1_000_000), by_tenant={"small": Amount(1, 100_000)})
    one, two = (budgets.enter(a_claim(tenant="small"), 0.0) for _ in range(2))
    other = budgets.enter(a_claim(tenant="other"), 0.0)
    assert set(served(budgets, 0.0)) == {one, other}
    elsewhere = budgets.enter(a_claim(a_call(model="n"), tenant="small"), 1.0)
    assert served(budgets, 1.0) == {}
    assert list(served(budgets, 60.5)) == [two]
    assert list(served(budgets, 121.0)) == [elsewhere]


def test_who_cannot_be_answered_in_time_is_told_at_once() -> None:
    """The window, a pause or the time that a call takes leaves too little."""
    budgets = Budgets(Amount(1, 1_000_000))
    call = a_call()
    budgets.succeeded(call, reserved(budgets, call), a_reply(), 2.0, 0.0)
    early, late = budgets.enter(a_claim(deadline=30.0), 1.0), budgets.enter(a_claim(deadline=200.0), 1.0)
    assert served(budgets, 1.0) == {early: None}
    short = budgets.enter(a_claim(deadline=62.0), 60.4)
    answers = served(budgets, 60.5)
    assert (answers[short], answers[late] is not None) == (None, True)
    paused = Budgets(Amount(10, 1_000_000))
    paused.failed(reserved(paused), failed(Reason.RATE_LIMITED, retry_after_seconds=30.0), 0.0)
    waiting = paused.enter(a_claim(deadline=20.0), 0.0)
    assert served(paused, 0.0) == {waiting: None}


def test_a_call_larger_than_the_allowance_is_made_when_the_window_is_empty() -> None:
    """Waiting always ends."""
    budgets = Budgets(Amount(10, 100))
    small = reserved(budgets, a_call("", most=10))
    large = budgets.enter(a_claim(a_call("x" * 10_000)), 1.0)
    assert served(budgets, 1.0) == {}
    answer = served(budgets, 60.5)[large]
    assert answer is not None
    assert (small.tokens < 100, answer.tokens) == (True, 100)


def test_repetitions_are_few() -> None:
    """A fifth of all calls, and ten."""
    budgets = Budgets(Amount(10, 100))
    assert [budgets.called("m", again=True) for _ in range(11)] == [True] * 10 + [False]
    for _ in range(5):
        assert budgets.called("m", again=False)
    assert [budgets.called("m", again=True) for _ in range(2)] == [True, False]


def test_a_probe_that_was_given_up_is_followed_by_another() -> None:
    """Nothing stays closed because a call was not made."""
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(Reason.TIMEOUT, 0.0)
    breaker.passed(1.0)
    assert breaker.wait_seconds(2.0) == 0.0


def test_pauses_of_the_breaker_are_bounded() -> None:
    """Half a minute at most."""
    breaker, now = Breaker(), 0.0
    for _ in range(5):
        breaker.failed(Reason.TIMEOUT, now)
    for _ in range(20):
        now += breaker.wait_seconds(now)
        breaker.passed(now)
        breaker.failed(Reason.TIMEOUT, now)
    assert breaker.wait_seconds(now) == 30.0


@pytest.mark.parametrize("reason", [Reason.REFUSED, Reason.REJECTED, Reason.QUOTA_SPENT, Reason.RATE_LIMITED, Reason.WRONG_SHAPE])
def test_what_says_nothing_about_an_outage_opens_no_breaker(reason: Reason) -> None:
    """A refused prompt is refused, and the next one may be fine."""
    breaker = Breaker()
    for _ in range(50):
        breaker.failed(reason, 0.0)
    assert breaker.wait_seconds(0.0) == 0.0


def test_failures_of_calls_under_way_do_not_lengthen_the_pause() -> None:
    """64 calls that fail together are one outage."""
    breaker = Breaker()
    for _ in range(64):
        breaker.failed(Reason.CONNECTION, 0.0)
    assert breaker.wait_seconds(0.0) == 1.0


def test_an_empty_budget_is_not_built() -> None:
    """It fails when built, not when first used."""
    with pytest.raises(ConfigError):
        limit(0, 1)
    assert limit(3, 4) == Amount(3, 4)


def test_the_estimate_learns_from_usage() -> None:
    """It approaches what the provider counts, from above."""
    estimate, call = TokenEstimate(), a_call("x" * 4000, most=None)
    first = estimate.of(call)
    for _ in range(100):
        estimate.learn(call, Usage(1007, 20))
    assert estimate.of(call) < first
    assert 1027 <= estimate.of(call) <= 1027 * 1.3


def test_absurd_usage_teaches_little() -> None:
    """The counts are the provider's word only."""
    estimate, call = TokenEstimate(), a_call("x" * 100, most=None)
    for _ in range(100):
        estimate.learn(call, Usage(2**31 - 1, 2**31 - 1))
    assert estimate.of(call) <= 4 * 100 * 2 + 10 + 200_000 * 2
    estimate.learn(a_call(""), Usage(5, 0))
    estimate.learn(call, Usage(0, 0))


def test_the_answer_is_not_guessed_above_its_limit() -> None:
    """``max_output_tokens`` is known."""
    assert TokenEstimate().of(a_call("", most=5)) == 7 + 5
    assert estimate_tokens(()) == 3

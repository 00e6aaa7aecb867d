"""Budget, pause, breaker and estimate together."""

from __future__ import annotations

import pytest

from streamgate.errors import ConfigError
from streamgate.provider import (
    Breaker,
    Budgets,
    ChatCall,
    ChatReply,
    Left,
    ModelBudget,
    Quota,
    RateHeaders,
    Reason,
    Reserved,
    TokenEstimate,
    Wait,
    estimate_tokens,
    failed,
)
from streamgate.types import MaskedMessage, MaskedText, Parameters, Usage


def a_call(text: str = "x" * 100, model: str = "m", most: int | None = 50) -> ChatCall:
    return ChatCall(b"", model, (MaskedMessage("user", MaskedText(text)),), Parameters(max_output_tokens=most), "sg")


def a_reply(usage: Usage | None = None, limits: RateHeaders | None = None) -> ChatReply:
    return ChatReply("text", "stop", "m", usage, None, limits)


def reserved(budgets: Budgets, call: ChatCall, now: float = 0.0) -> Reserved:
    answer = budgets.reserve(call, now)
    assert isinstance(answer, Reserved)
    return answer


def test_models_have_budgets_of_their_own() -> None:
    """A named one, and the default for each other."""
    budgets = Budgets(ModelBudget(1, 1000), {"big": ModelBudget(2, 5000)})
    assert (budgets.left("big", 0.0), budgets.left("m", 0.0)) == (Left(2, 5000), Left(1, 1000))
    reserved(budgets, a_call())
    assert isinstance(budgets.reserve(a_call(), 1.0), Wait)
    reserved(budgets, a_call(model="other"), 1.0)


def test_a_call_that_was_not_made_gives_everything_back() -> None:
    """Permission was withdrawn between the reservation and the call."""
    budgets = Budgets(ModelBudget(1, 1000))
    budgets.settle(reserved(budgets, a_call()), 0, 0.0)
    assert budgets.left("m", 0.0) == Left(1, 1000)


def test_a_call_that_was_made_is_settled_by_its_usage() -> None:
    """The request stays taken."""
    budgets = Budgets(ModelBudget(2, 1000))
    call = a_call()
    budgets.succeeded(call, reserved(budgets, call), a_reply(Usage(30, 5)), 1.0)
    assert budgets.left("m", 1.0) == Left(1, 965)


def test_without_usage_the_estimate_stands() -> None:
    """The provider said nothing, so the guess counts."""
    budgets = Budgets(ModelBudget(2, 1000))
    call = a_call()
    room = reserved(budgets, call)
    budgets.succeeded(call, room, a_reply(), 1.0)
    assert budgets.left("m", 1.0) == Left(1, 1000 - room.tokens)


def test_a_failed_call_keeps_its_reservation() -> None:
    """It may have been answered and billed."""
    budgets = Budgets(ModelBudget(2, 1000))
    room = reserved(budgets, a_call())
    budgets.failed(room, failed(Reason.TIMEOUT), 1.0)
    assert budgets.left("m", 1.0) == Left(1, 1000 - room.tokens)


def test_a_rate_limit_pauses_the_model_for_everybody() -> None:
    """For as long as the provider asked, a minute at most; other models go on."""
    budgets = Budgets(ModelBudget(100, 100_000))
    budgets.failed(reserved(budgets, a_call()), failed(Reason.RATE_LIMITED, retry_after_seconds=7.0), 10.0)
    assert budgets.reserve(a_call(), 12.0) == Wait(5.0)
    reserved(budgets, a_call(model="other"), 12.0)
    room = reserved(budgets, a_call(), 17.0)
    budgets.failed(room, failed(Reason.RATE_LIMITED, retry_after_seconds=86_400.0), 17.0)
    assert budgets.reserve(a_call(), 18.0) == Wait(59.0)


def test_headers_of_replies_and_failures_lower_what_is_left() -> None:
    """Somebody else uses the same account."""
    budgets = Budgets(ModelBudget(100, 100_000))
    call = a_call()
    limits = RateHeaders(Quota(100, 3, 30.0), Quota(None, 200, 30.0))
    budgets.succeeded(call, reserved(budgets, call), a_reply(limits=limits), 0.0)
    assert budgets.left("m", 0.0) == Left(3, 200)
    assert budgets.left("m", 30.0).requests == 99
    budgets.failed(reserved(budgets, call, 31.0), failed(Reason.SERVER_ERROR, limits=RateHeaders(Quota(None, 0))), 31.0)
    assert budgets.left("m", 31.0).requests == 0


def test_the_breaker_opens_after_failures_in_a_row_and_lets_one_call_probe() -> None:
    """Pauses double; a success closes it."""
    budgets = Budgets(ModelBudget(1000, 1_000_000))
    for _ in range(5):
        budgets.failed(reserved(budgets, a_call()), failed(Reason.SERVER_ERROR), 0.0)
    assert budgets.reserve(a_call(), 0.5) == Wait(0.5)
    probe = reserved(budgets, a_call(), 1.0)
    assert isinstance(budgets.reserve(a_call(), 1.0), Wait)
    budgets.failed(probe, failed(Reason.SERVER_ERROR), 1.0)
    assert budgets.reserve(a_call(), 2.0) == Wait(1.0)
    call = a_call()
    budgets.succeeded(call, reserved(budgets, call, 3.0), a_reply(), 3.0)
    reserved(budgets, a_call(), 3.0)
    reserved(budgets, a_call(), 3.0)


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


def test_a_worker_takes_the_part_of_its_partitions() -> None:
    """So that limits hold over all replicas; never less than one."""
    budgets = Budgets(ModelBudget(100, 1000), {"small": ModelBudget(1, 1)})
    budgets.left("m", 0.0)
    budgets.take_part(0.25)
    assert budgets.left("m", 0.0) == Left(25, 250)
    assert budgets.left("new", 0.0) == Left(25, 250)
    assert budgets.left("small", 0.0) == Left(1, 1)


def test_an_empty_budget_is_not_built() -> None:
    """It fails when built, not when first used."""
    with pytest.raises(ConfigError):
        ModelBudget(0, 1)


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
    assert estimate.of(call) <= 4 * 100 * 1.25 + 10 + 200_000 * 1.25
    estimate.learn(a_call(""), Usage(5, 0))
    estimate.learn(call, Usage(0, 0))


def test_the_answer_is_not_guessed_above_its_limit() -> None:
    """``max_output_tokens`` is known."""
    assert TokenEstimate().of(a_call("", most=5)) == 7 + 5
    assert estimate_tokens(()) == 3

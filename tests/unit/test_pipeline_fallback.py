"""Fallbacks: when another model is asked, which ones, and what is left of it on record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streamgate.errors import Code
from streamgate.pipeline._call import Called
from streamgate.provider import CODE_OF, FALLS_BACK, CallFailed, ChatReply, Reason, failed
from streamgate.telemetry import CallFinished, CallRetried, FellBack
from streamgate.types import ModelRef, Topic, Usage
from tests.fakes.egress import Egress
from tests.fakes.pipeline import on

OTHER = {"provider": "azure-eu", "model": "gpt-eu"}
THIRD = {"provider": "default", "model": "gpt-third"}
REPLY = ChatReply(text="yes", finish_reason="stop", model="gpt-eu-1", usage=Usage(10, 5), provider_request_id="req_1")
BOTH = frozenset({"default", "azure-eu"})


def an_egress(*script: ChatReply | CallFailed, max_attempts: int = 1, requests_per_minute: int = 1_000, providers: Any = BOTH) -> Egress:
    it = Egress(*script, max_attempts=max_attempts, requests_per_minute=requests_per_minute, providers=providers)
    it.standing.then.extend([it.standing.mark] * 100)
    return it


async def completed(it: Egress, *fallbacks: dict[str, str], **fields: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The completion of a request, and what the audit log says about its calls."""
    effects = await it.handle(it.record(fallbacks=list(fallbacks), **fields))
    (completion,) = on(effects, Topic.COMPLETIONS)
    return completion, on(effects, Topic.AUDIT_EVENTS)


def called(it: Egress) -> list[str]:
    return [call.name for call in it.model.calls]


def left(it: Egress) -> list[tuple[str, str]]:
    return [(fact.model, fact.reason) for fact in it.telemetry.of(FellBack)]


@pytest.mark.parametrize("reason", list(Reason))
async def test_failures_of_the_provider_fall_back_and_the_prompts_own_do_not(reason: Reason) -> None:
    """No other provider gets to see what one declined, or found too long or malformed."""
    it = an_egress(failed(reason), REPLY)
    completion, _ = await completed(it, OTHER)
    if reason in FALLS_BACK:
        assert (completion["code"], completion["provider"], completion["model"], completion["calls"]) == ("ok", "azure-eu", "gpt-eu-1", 2)
        assert called(it) == ["gpt-test", "azure-eu/gpt-eu"]
        assert left(it) == [("gpt-test", reason.value)]
    else:
        assert (completion["code"], completion["provider"], completion["calls"]) == (CODE_OF[reason].value, "default", 1)
        assert (called(it), left(it)) == (["gpt-test"], [])


def test_what_is_the_prompts_own() -> None:
    """The list is closed: a new reason has to be put on one side."""
    assert set(Reason) - FALLS_BACK == {
        Reason.REJECTED,
        Reason.CONTENT_FILTERED,
        Reason.REFUSED,
        Reason.CONTEXT_TOO_LONG,
        Reason.REDIRECTED,
        Reason.WRONG_SHAPE,
        Reason.OVERSIZE,
        Reason.UNEXPECTED,
    }


async def test_it_is_recorded() -> None:
    """Each call's intent, the completion, the audit event and the metrics name the model that was called, with its provider."""
    it = an_egress(failed(Reason.QUOTA_SPENT), REPLY)
    _, (event,) = await completed(it, OTHER)
    assert (event["fact"], event["model"], event["code"]) == ("call_completed", "azure-eu/gpt-eu", "ok")
    assert event["counts"] == {"calls": 2, "models_left": 1, "prompt_tokens": 10, "completion_tokens": 5}
    intents = [read["model"] for read in it.intents()]
    assert intents == ["gpt-test", "azure-eu/gpt-eu"]
    assert [(fact.model, fact.code) for fact in it.telemetry.of(CallFinished)] == [
        ("gpt-test", Code.PROVIDER_QUOTA_SPENT),
        ("azure-eu/gpt-eu", Code.OK),
    ]


async def test_repetitions_come_before_a_fallback() -> None:
    """A failure that may pass is given its attempts first."""
    it = an_egress(failed(Reason.SERVER_ERROR), failed(Reason.SERVER_ERROR), REPLY, max_attempts=2)
    completion, _ = await completed(it, OTHER)
    assert (completion["code"], completion["calls"]) == ("ok", 3)
    assert called(it) == ["gpt-test", "gpt-test", "azure-eu/gpt-eu"]
    assert [fact.reason for fact in it.telemetry.of(CallRetried)] == ["server_error"]


async def test_repetitions_leave_half_of_the_time_to_a_fallback() -> None:
    """A wait beyond it is not begun; without a fallback it is."""
    asked = failed(Reason.RATE_LIMITED, retry_after_seconds=70.0)
    it = an_egress(asked, REPLY, max_attempts=2)
    completion, _ = await completed(it, OTHER)
    assert (completion["provider"], it.sleeper.slept) == ("azure-eu", [])
    alone = an_egress(asked, REPLY, max_attempts=2)
    completion, _ = await completed(alone)
    assert (completion["provider"], completion["code"]) == ("default", "ok")
    assert sum(alone.sleeper.slept) >= 70.0


async def test_a_call_leaves_half_of_the_time_to_a_fallback() -> None:
    """Or a provider that hangs would use up the deadline. The last model has all of what is left."""
    it = an_egress(failed(Reason.TIMEOUT), REPLY)
    await completed(it, OTHER, deadline_at=it.clock.now_ms() + 20_000)
    assert it.model.timeouts == [10.0, 20.0]


async def test_an_open_breaker_is_not_waited_for() -> None:
    """Where there is another model; where there is none, the pause is waited for. Breakers are each model's own."""
    it = an_egress(*[failed(Reason.SERVER_ERROR)] * 5)
    for number in range(5):
        await completed(it, request_id=bytes([number]) * 16)
    completion, _ = await completed(it, OTHER, request_id=b"x" * 16)
    assert (completion["code"], completion["provider"], it.sleeper.slept) == ("ok", "azure-eu", [])
    assert left(it) == [("gpt-test", "breaker_open")]
    completion, _ = await completed(it, request_id=b"y" * 16)
    assert (completion["code"], completion["provider"]) == ("ok", "default")
    assert sum(it.sleeper.slept) == pytest.approx(1.0, abs=0.2)


async def test_no_room_before_the_deadline_falls_back() -> None:
    """Limits are each model's own."""
    it = an_egress(requests_per_minute=1)
    await completed(it)
    soon = it.clock.now_ms() + 10_000
    completion, _ = await completed(it, OTHER, request_id=b"x" * 16, deadline_at=soon)
    assert (completion["code"], completion["provider"]) == ("ok", "azure-eu")
    assert left(it) == [("gpt-test", "no_room")]


async def test_fallbacks_are_tried_in_their_order_and_the_last_failure_stands() -> None:
    """A model that had no turn tells less than one that failed."""
    it = an_egress(failed(Reason.QUOTA_SPENT), failed(Reason.UNAUTHORISED), failed(Reason.NOT_FOUND))
    completion, (event,) = await completed(it, OTHER, THIRD)
    assert called(it) == ["gpt-test", "azure-eu/gpt-eu", "gpt-third"]
    assert (completion["code"], completion["provider"], completion["model"]) == ("provider_failed", "default", "gpt-third")
    assert (event["fact"], event["model"], event["counts"]) == ("call_failed", "gpt-third", {"calls": 3, "models_left": 2})
    full = an_egress(ChatReply("x", "stop", "m"), failed(Reason.QUOTA_SPENT), requests_per_minute=1)
    await completed(full, provider="azure-eu", model="gpt-eu")
    soon = full.clock.now_ms() + 10_000
    completion, _ = await completed(full, OTHER, request_id=b"x" * 16, deadline_at=soon)
    assert (completion["code"], completion["provider"], completion["calls"]) == ("provider_quota_spent", "default", 1)


async def test_a_call_is_made_under_the_policy_as_it_is_now() -> None:
    """Since the request was issued its model, or a fallback, was taken off the list: residency holds from the restart on."""
    it = an_egress(failed(Reason.QUOTA_SPENT), REPLY)
    purpose = replace(it.policy.purposes["support"], fallbacks=("gpt-third",))
    it.stage = replace(it.stage, policy=replace(it.policy, purposes={"support": purpose}))
    completion, _ = await completed(it, OTHER, THIRD)
    assert (completion["code"], called(it)) == ("ok", ["gpt-test", "gpt-third"])
    completion, (event,) = await completed(it, provider="azure-eu", model="gpt-eu", request_id=b"y" * 16)
    assert (completion["code"], completion["calls"], event["fact"]) == ("unknown_model", 0, "call_failed")


async def test_a_provider_without_credentials_is_skipped_and_counted() -> None:
    """The policy may name more than one installation has access to; the next one is asked."""
    it = an_egress(failed(Reason.QUOTA_SPENT), REPLY, providers={"default"})
    completion, _ = await completed(it, OTHER, THIRD)
    assert (completion["code"], called(it)) == ("ok", ["gpt-test", "gpt-third"])
    assert left(it) == [("gpt-test", "quota_spent"), ("azure-eu/gpt-eu", "no_credentials")]


async def test_without_credentials_for_any_provider_the_prompt_fails_with_the_next_step() -> None:
    """Nothing is called, and there is no trace of a call."""
    it = an_egress(providers=set())
    completion, (event,) = await completed(it, OTHER)
    assert (completion["code"], completion["calls"], completion["provider"]) == ("provider_unauthorised", 0, "default")
    assert (called(it), it.trail.outputs, event["fact"]) == ([], [], "call_failed")
    assert left(it) == [("gpt-test", "no_credentials"), ("azure-eu/gpt-eu", "no_credentials")]


async def test_a_withdrawal_stops_the_fallback_too() -> None:
    """Every call has its own permission."""
    it = an_egress(REPLY)
    it.model.script.appendleft(failed(Reason.QUOTA_SPENT))
    it.model.then = lambda: it.standing.forbid(0, it.request()["reference"], "support", 6)
    completion, _ = await completed(it, OTHER)
    assert (completion["code"], called(it)) == ("consent_withdrawn", ["gpt-test"])


async def test_nothing_begins_after_the_deadline() -> None:
    """What the first call took is gone."""
    it = an_egress(failed(Reason.TIMEOUT), REPLY)
    it.model.then = lambda: it.clock.advance(121.0)
    completion, _ = await completed(it, OTHER)
    assert (completion["code"], called(it)) == ("provider_failed", ["gpt-test"])


def test_names_of_models() -> None:
    """One form for each; what stands before the first slash is the provider."""
    for name, provider, model in (
        ("gpt-4o", "default", "gpt-4o"),
        ("azure-eu/gpt-4o", "azure-eu", "gpt-4o"),
        ("default/meta/llama", "default", "meta/llama"),
        ("hub/meta/llama", "hub", "meta/llama"),
    ):
        assert ModelRef.parse(name) == ModelRef(provider, model)
        assert ModelRef(provider, model).name == name
    assert ModelRef.parse("default/gpt-4o").name == "gpt-4o"


def test_what_a_call_ended_with_shows_no_text() -> None:
    """In a log or an exception."""
    assert "yes" not in repr(Called(Code.OK, REPLY))

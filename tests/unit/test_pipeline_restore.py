"""Restore: the one terminal response to a prompt, and completions that come too late for one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from streamgate.errors import Code
from streamgate.pipeline._outcome import Phase
from streamgate.pipeline.ports.stage import LARGEST_OUTPUT_BYTES, Effects, Stale
from streamgate.pipeline.restore import CompletionCase
from streamgate.telemetry import DeadLettered, LateCompletion, LatencyAdded, PromptFinished, TokensRestored
from streamgate.types import Topic
from tests.fakes.effects import FakeClock
from tests.fakes.freshness import FakeFreshness
from tests.fakes.pipeline import NAME, Vault, facts, on


def published(effects: Effects) -> list[tuple[str, bytes | None, bytes | None]]:
    """What goes to reply topics, byte for byte."""
    return [(output.topic, output.key, output.value) for output in effects.outputs if output.topic.startswith("responses")]


def ending(effects: Effects) -> tuple[str, str]:
    (response,) = on(effects, "responses")
    return response["status"], response["code"]


async def test_an_answer_comes_back_with_its_tokens_restored() -> None:
    """The consumer gets the value, what was carried past the model, and how many tokens were restored."""
    it = Vault()
    request = await it.accepted(it.prompt(context={"crm_link": "crm/9"}, reply_topic="responses.acme"))
    effects = await it.handle(it.restore, it.completion(request))
    (response,) = on(effects, "responses.acme")
    assert (response["status"], response["text"], response["restored_tokens"]) == ("answered", f"Please answer {NAME}.", 1)
    assert (response["carried"], response["finish_reason"]) == ({"context.crm_link": "crm/9"}, "stop")
    assert (response["subject"], response["event_id"]) == ("anna", "event-1")
    assert facts(effects) == ["prompt_answered"]
    assert [type(fact) for fact in effects.facts] == [PromptFinished, TokensRestored, LatencyAdded]
    outcome = it.outcome()
    assert outcome is not None
    assert (outcome.phase, outcome.code) == (Phase.SETTLED, Code.OK)


async def test_nothing_restored_goes_to_the_audit_log() -> None:
    """The value stands on the reply topic alone."""
    it = Vault()
    effects = await it.handle(it.restore, it.completion(await it.accepted()))
    assert [output.topic for output in effects.outputs if NAME.encode() in (output.value or b"")] == ["responses"]


async def test_a_token_that_was_never_made_stays_and_is_counted() -> None:
    """A model's invention resolves to nobody."""
    it = Vault()
    effects = await it.handle(it.restore, it.completion(await it.accepted(), "Dear [PERSON_aaaaaaaa]"))
    (response,) = on(effects, "responses")
    assert (response["text"], response["unresolved_tokens"]) == ("Dear [PERSON_aaaaaaaa]", 1)


async def test_a_redelivered_completion_publishes_identical_bytes() -> None:
    """Whatever the time is by then."""
    it = Vault()
    record = it.completion(await it.accepted())
    first = await it.handle(it.restore, record)
    it.clock.advance(60)
    again = await it.handle(it.restore, record)
    assert published(again) == published(first)
    assert (again.rows, facts(again), again.facts) == ((), [], ())


async def test_a_second_completion_of_one_request_is_late() -> None:
    """A prompt has one end."""
    it = Vault()
    request = await it.accepted()
    await it.handle(it.restore, it.completion(request))
    effects = await it.handle(it.restore, it.completion(request, "Another answer"))
    assert (published(effects), facts(effects), effects.facts) == ([], ["late_completion"], (LateCompletion(),))


async def test_a_completion_after_the_sweep_is_late() -> None:
    """The prompt ended at its deadline."""
    it = Vault()
    request = await it.accepted()
    it.clock.advance(121)
    it.swept()
    assert facts(await it.handle(it.restore, it.completion(request))) == ["late_completion"]


async def test_an_answer_past_the_deadline_is_not_published() -> None:
    """Also where the sweep has not come by yet."""
    it = Vault()
    request = await it.accepted()
    it.clock.advance(120)
    effects = await it.handle(it.restore, it.completion(request))
    assert ending(effects) == ("failed", "deadline_exceeded")
    assert on(effects, "responses")[0]["text"] is None


async def test_a_withdrawal_in_between_withholds_the_answer() -> None:
    """Consent is looked at once more before anything is published."""
    it = Vault()
    await it.handle(it.consents, it.consent("marketing", "grant"))
    request = await it.accepted(it.prompt(purpose="marketing"))
    it.clock.advance(1)
    await it.handle(it.consents, it.consent("marketing", "withdraw"))
    effects = await it.handle(it.restore, it.completion(request))
    assert ending(effects) == ("refused", "consent_withdrawn")
    assert NAME.encode() not in (published(effects)[0][2] or b"")


async def test_an_erasure_in_between_makes_the_completion_late() -> None:
    """Its reference resolves to nobody any more."""
    it = Vault()
    request = await it.accepted()
    await it.handle(it.requests, it.request("erase"))
    effects = await it.handle(it.restore, it.completion(request))
    assert (published(effects), facts(effects)) == ([], ["late_completion"])


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.FINAL_SCAN_HIT, "refused"),
        (Code.CONSENT_WITHDRAWN, "refused"),
        (Code.PROVIDER_REFUSED, "refused"),
        (Code.PROVIDER_FAILED, "failed"),
        (Code.DEADLINE_EXCEEDED, "failed"),
    ],
)
async def test_a_coded_completion_ends_the_prompt_under_its_code(code: Code, status: str) -> None:
    """Refused where somebody said no, failed where something broke."""
    it = Vault()
    effects = await it.handle(it.restore, it.completion(await it.accepted(), code=code.value))
    assert ending(effects) == (status, code.value)


class NeverFresh(FakeFreshness):
    """Waiting takes its time and brings nothing."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock

    async def wait(self, partition: int, not_before_ms: int, timeout_seconds: float) -> bool:
        self.clock.advance(timeout_seconds)
        return False


async def test_an_answer_under_old_knowledge_of_consents_is_not_published() -> None:
    """However long the prompt's deadline is: the completion is sealed away, and the sweep ends the prompt."""
    it = Vault()
    record = it.completion(await it.accepted(it.prompt(deadline_ms=it.clock.now_ms() + 900_000)))
    effects = await it.decide(replace(it.restore, freshness=NeverFresh(it.clock)), record)
    assert not published(effects)
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["deadline_exceeded"]


async def test_a_seal_of_another_request_is_dead_lettered() -> None:
    """The seal is bound to its request: a completion cannot name one and carry the other's."""
    it = Vault()
    first = await it.accepted()
    second = await it.accepted(it.prompt(event_id="event-2"))
    effects = await it.handle(it.restore, it.completion(first, sealed=second["sealed"]))
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["key_unavailable"]
    assert effects.facts == (DeadLettered("completions", Code.KEY_UNAVAILABLE),)
    assert not published(effects)


@pytest.mark.parametrize("fields", [{"purpose": "hr"}, {"tenant": "globex"}, {"request_id": bytes(16)}, {"sealed": b"\x01" * 60}])
async def test_a_completion_altered_in_between_opens_nothing(fields: dict[str, Any]) -> None:
    """Purpose, tenant and request id are what the seal is bound to."""
    it = Vault()
    effects = await it.handle(it.restore, it.completion(await it.accepted(), **fields))
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["key_unavailable"]
    assert not published(effects)


async def test_a_completion_under_a_foreign_reference_is_late() -> None:
    """Nobody stands behind it."""
    it = Vault()
    assert facts(await it.handle(it.restore, it.completion(await it.accepted(), reference=bytes(16)))) == ["late_completion"]


async def test_an_unreadable_completion_is_dead_lettered() -> None:
    """Its prompt is closed by its deadline."""
    it = Vault()
    record = replace(it.completion(await it.accepted()), value=b"")
    assert [letter["code"] for letter in on(await it.handle(it.restore, record), Topic.DEAD_LETTERS)] == ["not_avro"]
    poisoned = it.restore.poisoned(record).decide(0, it.state)
    assert [letter["code"] for letter in on(poisoned, Topic.DEAD_LETTERS)] == ["internal_error"]


async def test_an_answer_waits_for_consents_that_are_recent() -> None:
    """What is known of a withdrawal is at most two seconds old when the answer is published."""
    it = Vault()
    record = it.completion(await it.accepted())
    it.freshness.until_ms = it.clock.now_ms() - 2_001
    began = it.clock.now_ms()
    await it.restore.prepare(record)
    assert it.freshness.waits[0][:2] == (0, began - 2_000)


async def test_an_answer_that_waited_too_long_to_be_decided_is_prepared_again() -> None:
    """Behind a slow broker what was known when it was prepared has aged: nothing is decided under it."""
    it = Vault()
    prepared = await it.restore.prepare(it.completion(await it.accepted()))
    it.freshness.until_ms = it.clock.now_ms() - 2_001
    with pytest.raises(Stale):
        prepared.decide(0, it.state)
    it.freshness.until_ms = it.clock.now_ms()
    assert published(prepared.decide(0, it.state))


async def test_an_answer_that_the_topics_would_not_take_fails_the_prompt() -> None:
    """Values put back make it longer than what the provider said."""
    it = Vault()
    request = await it.accepted()
    token = re.findall(r"\[PERSON_\w+\]", request["messages"][-1]["content"])[0]
    effects = await it.handle(it.restore, it.completion(request, text=token * (LARGEST_OUTPUT_BYTES // len(NAME) + 1)))
    assert [(r["status"], r["code"]) for r in on(effects, "responses")] == [("failed", "provider_invalid_reply")]


@pytest.mark.parametrize(("code", "said", "ends_as"), [("unheard", "text", "internal_error"), ("ok", None, "provider_invalid_reply")])
async def test_a_completion_that_makes_no_sense_fails_the_prompt(code: str, said: str | None, ends_as: str) -> None:
    """An unknown code, or an answer without a text."""
    it = Vault()
    record = it.completion(await it.accepted(), "replaced", code=code)
    prepared = await it.restore.prepare(record)
    assert isinstance(prepared, CompletionCase)
    altered = replace(prepared, completion=prepared.completion | {"text": said})
    assert ending(altered.decide(0, it.state)) == ("failed", ends_as)

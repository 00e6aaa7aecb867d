"""Redact: what a second copy of a prompt gets, sent twice or delivered again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgate.pipeline.ports.stage import Effects, Output, Stale
from streamgate.telemetry import CopySeen
from streamgate.types import Inbound, Topic
from tests.fakes.pipeline import NAME, Vault, facts, on


def ending(effects: Effects, topic: str = "responses") -> tuple[str, str]:
    """Status and code of the one response."""
    (response,) = on(effects, topic)
    return response["status"], response["code"]


async def test_a_copy_of_an_open_prompt_gets_no_answer_of_its_own() -> None:
    """The same content under the same event id at another offset is counted; the one answer is still to come."""
    it = Vault()
    record = it.prompt()
    await it.handle(it.redact, record)
    effects = await it.handle(it.redact, replace(record, offset=7))
    assert facts(effects) == ["prompt_copy"]
    assert (len(effects.outputs), effects.rows, effects.facts) == (1, (), (CopySeen("prompts"),))


def published(effects: Effects) -> list[Output]:
    return [replace(output, settle=None) for output in effects.outputs if output.topic == "responses"]


async def answered(it: Vault, **fields: str) -> tuple[Inbound, list[Output]]:
    """A prompt that was answered, and its answer."""
    record = it.prompt(**fields)
    effects = await it.handle(it.restore, it.completion(await it.accepted(record)))
    assert ending(effects) == ("answered", "ok")
    return record, published(effects)


async def test_a_copy_of_an_answered_prompt_gets_the_same_bytes() -> None:
    """Nobody is paid, no detector looks at it, and the outcome stays as it is."""
    it = Vault()
    record, first = await answered(it)
    before, looked = dict(it.state.rows), len(it.detector.asked)
    for copy in (replace(record, offset=7), replace(record, offset=8)):
        effects = await it.handle(it.redact, copy)
        assert published(effects) == first
        assert not on(effects, Topic.REQUESTS)
        assert [event["counts"] for event in on(effects, Topic.AUDIT_EVENTS)] == [{"published_again": 1}]
    assert (it.state.rows, len(it.detector.asked)) == (before, looked)


async def test_the_same_bytes_are_read_again_when_the_broker_was_away() -> None:
    """The copy waits."""
    it = Vault()
    record, first = await answered(it)
    it.archive.refusals = 3
    assert published(await it.handle(it.redact, replace(record, offset=7))) == first


@pytest.mark.parametrize("gone", ["removed", "another's", "unreadable"])
async def test_what_does_not_stand_there_any_more_is_not_published(gone: str) -> None:
    """Retention removed it, or the topic was made anew and holds the response of another at the same place."""
    it = Vault()
    record, _ = await answered(it)
    (place,) = (each for each in it.archive.records if each[0] == "responses")
    if gone == "removed":
        del it.archive.records[place]
    elif gone == "another's":
        other = published(await it.handle(it.restore, it.completion(await it.accepted(it.prompt(event_id="event-2")))))[0]
        it.archive.replace_value("responses", place[2], other.value or b"")
    else:
        it.archive.replace_value("responses", place[2], b"?")
    effects = await it.handle(it.redact, replace(record, offset=7))
    assert not published(effects)
    assert [event["counts"] for event in on(effects, Topic.AUDIT_EVENTS)] == [{"published_again": 0}]


async def test_nothing_is_published_again_after_a_withdrawal_or_an_erasure() -> None:
    """Whatever still stands on the topic."""
    it = Vault()
    record, _ = await answered(it, purpose="hr")
    await it.handle(it.consents, it.consent("hr", "withdraw"))
    assert not published(await it.handle(it.redact, replace(record, offset=7)))
    it = Vault()
    record, _ = await answered(it)
    it.freshness.ends = {"prompts": 10}
    await it.handle(it.requests, it.request("erase"))
    effects = await it.handle(it.redact, replace(record, offset=7))
    assert not published(effects)


async def test_a_prompt_that_ends_while_its_copy_is_prepared_is_looked_at_again() -> None:
    """The copy then gets the answer."""
    it = Vault()
    record = it.prompt()
    request = await it.accepted(record)
    copy = await it.redact.prepare(replace(record, offset=7))
    first = published(await it.handle(it.restore, it.completion(request)))
    with pytest.raises(Stale):
        copy.decide(0, it.state)
    assert published(await it.handle(it.redact, replace(record, offset=7))) == first


async def test_other_content_under_the_same_event_id_is_dead_lettered() -> None:
    """What was decided stays; the other record is kept, sealed."""
    it = Vault()
    await it.handle(it.redact, it.prompt())
    before = dict(it.state.rows)
    effects = await it.handle(it.redact, it.prompt("Something else."))
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["content_conflict"]
    assert not on(effects, "responses")
    assert it.state.rows == before


async def test_a_redelivered_prompt_is_issued_again_under_the_same_request_id() -> None:
    """Egress recognises it, so that nothing is paid twice; tokens are the same too."""
    it = Vault()
    record = it.prompt()
    first = on(await it.handle(it.redact, record), Topic.REQUESTS)[0]
    effects = await it.handle(it.redact, record)
    again = on(effects, Topic.REQUESTS)[0]
    assert (again["request_id"], again["reference"], again["messages"]) == (first["request_id"], first["reference"], first["messages"])
    assert effects.rows == ()


async def test_a_redelivered_prompt_is_not_issued_again_after_a_withdrawal() -> None:
    """A new approval would carry the withdrawal's offset, and egress would let it pass."""
    it = Vault()
    record = it.prompt(purpose="hr")
    await it.handle(it.redact, record)
    await it.handle(it.consents, it.consent("hr", "withdraw"))
    effects = await it.handle(it.redact, record)
    assert not on(effects, Topic.REQUESTS)
    assert ending(effects) == ("refused", "consent_withdrawn")


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_redelivered_refusal_is_answered_with_the_same_bytes_where_that_may_be_needed(*, atomic: bool) -> None:
    """The response is a function of the outcome alone. In a transaction with the outcome it stands already: the record is no second prompt."""
    it = Vault(atomic=atomic)
    record = it.prompt(purpose="unheard")
    first = await it.handle(it.redact, record)
    it.clock.advance(5)
    again = await it.handle(it.redact, record)
    assert published(again) == ([] if atomic else published(first))
    assert facts(again)[-1:] == ["prompt_copy"]


async def test_an_answered_prompt_has_no_second_answer_though_its_consents_cannot_be_read() -> None:
    """A copy of it meets a row that does not open."""
    it = Vault()
    await it.handle(it.consents, it.consent("support", "grant"))
    record, _ = await answered(it)
    it.state.rows = {key: b"\x09" if key[:1] == b"C" else value for key, value in it.state.rows.items()}
    before = dict(it.state.rows)
    effects = await it.handle(it.redact, replace(record, offset=7))
    assert (published(effects), it.state.rows) == ([], before)


async def test_a_prompt_that_was_written_anew_is_the_same_prompt() -> None:
    """Producers repeat themselves with another time, another deadline and another trace; another message, model or context is another prompt."""
    it = Vault()
    _, first = await answered(it)
    it.clock.advance(5)
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    again = it.prompt(deadline_ms=it.clock.now_ms() + 60_000, traceparent=trace)
    assert published(await it.handle(it.redact, again)) == first
    for other in ({"model": "gpt-other"}, {"text": f"Please answer {NAME}!"}, {"context": {"language": "de"}}):
        effects = await it.handle(it.redact, it.prompt(**other))
        assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["content_conflict"]

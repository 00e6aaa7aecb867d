"""Redact: what a second copy of a prompt gets, sent twice or delivered again."""

from __future__ import annotations

from dataclasses import replace

from streamgate.pipeline.ports.stage import Effects
from streamgate.telemetry import CopySeen
from streamgate.types import Topic
from tests.fakes.pipeline import Vault, facts, on


def ending(effects: Effects, topic: str = "responses") -> tuple[str, str]:
    """Status and code of the one response."""
    (response,) = on(effects, topic)
    return response["status"], response["code"]


async def test_a_copy_gets_no_second_answer() -> None:
    """The same content under the same event id at another offset is counted, and nothing else."""
    it = Vault()
    record = it.prompt()
    await it.handle(it.redact, record)
    effects = await it.handle(it.redact, replace(record, offset=7))
    assert facts(effects) == ["prompt_copy"]
    assert (len(effects.outputs), effects.rows, effects.facts) == (1, (), (CopySeen("prompts"),))


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


async def test_a_redelivered_refusal_is_answered_with_the_same_bytes() -> None:
    """The response is a function of the outcome alone."""
    it = Vault()
    record = it.prompt(purpose="unheard")
    first = await it.handle(it.redact, record)
    it.clock.advance(5)
    again = await it.handle(it.redact, record)
    assert [(o.topic, o.key, o.value) for o in again.outputs] == [(o.topic, o.key, o.value) for o in first.outputs[:1]]

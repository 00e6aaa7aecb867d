"""Complete: one call for a request, its completion, and nothing paid twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from streamgate.errors import Code, Unavailable
from streamgate.pipeline.complete import RECORD_KEPT_MS
from streamgate.provider import Reason, failed
from streamgate.telemetry import CopySeen, DeadLettered, LatencyAdded, MoneySpent
from streamgate.types import Topic
from tests.fakes.egress import REFERENCE, Egress
from tests.fakes.pipeline import facts, on
from tests.topology.toy import until


async def test_a_request_becomes_one_call_and_one_completion() -> None:
    """The sealed part is carried back unchanged, and the audit log says what was used."""
    it = Egress()
    effects = await it.handle(it.record())
    (completion,) = on(effects, Topic.COMPLETIONS)
    assert (completion["code"], completion["text"], completion["calls"]) == ("ok", "Please answer [PERSON_abcdefg2].", 1)
    assert (completion["sealed"], completion["reference"]) == (b"sealed", REFERENCE)
    assert completion["usage"] == {"prompt_tokens": 10, "completion_tokens": 5}
    assert facts(effects) == ["call_completed"]
    assert [type(fact) for fact in effects.facts] == [LatencyAdded, MoneySpent]
    assert it.model.calls[0].parameters.max_output_tokens == 50


async def test_the_intent_stands_before_the_call() -> None:
    """Where it cannot be published nothing is sent, and the prompt fails."""
    it = Egress()
    await it.handle(it.record())
    assert [(output.topic, output.key) for output in it.trail.outputs] == [(Topic.AUDIT_EVENTS, REFERENCE)]
    it.trail.down = True
    effects = await it.handle(it.record(request_id=b"2" * 16))
    assert on(effects, Topic.COMPLETIONS)[0]["code"] == "provider_failed"
    assert len(it.model.calls) == 1


async def test_a_call_whose_partition_was_taken_away_is_left_to_the_next_owner() -> None:
    """It is not failed; here it was never in flight."""
    it = Egress()
    it.trail.lost = True
    with pytest.raises(Unavailable):
        await it.stage.prepare(it.record())
    assert (it.model.calls, it.stage.in_flight) == ([], set())


@pytest.mark.parametrize("field", ["messages", "stop"])
async def test_personal_data_in_the_final_payload_stops_the_call(field: str) -> None:
    """The last look is over what is about to leave, stop sequences included."""
    it = Egress()
    leak = "maria@example.com"
    record = it.record(content=f"write to {leak}") if field == "messages" else it.record(stop=[leak])
    effects = await it.handle(record)
    (completion,) = on(effects, Topic.COMPLETIONS)
    assert (completion["code"], completion["text"], completion["calls"]) == ("final_scan_hit", None, 0)
    assert not it.model.calls
    assert not it.trail.outputs
    assert facts(effects) == ["call_failed"]


async def test_a_withdrawn_request_is_not_called() -> None:
    """Its completion says why."""
    it = Egress()
    it.standing.forbid(0, REFERENCE, "support", 6)
    effects = await it.handle(it.record())
    assert on(effects, Topic.COMPLETIONS)[0]["code"] == "consent_withdrawn"
    assert (it.model.calls, it.trail.outputs) == ([], [])


async def test_a_failed_call_has_a_coded_completion() -> None:
    """Without a text; the model is the one that was asked for."""
    it = Egress(failed(Reason.UNAUTHORISED))
    (completion,) = on(await it.handle(it.record()), Topic.COMPLETIONS)
    assert (completion["code"], completion["text"], completion["model"]) == ("provider_unauthorised", None, "gpt-test")


async def test_an_answered_request_is_not_called_again() -> None:
    """A copy is counted, and nothing else happens."""
    it = Egress()
    await it.handle(it.record())
    effects = await it.handle(it.record())
    assert (effects.outputs, effects.rows, effects.facts) == ((), (), (CopySeen("requests"),))
    assert len(it.model.calls) == 1


async def test_a_request_is_not_called_while_it_is_being_called() -> None:
    """Two copies at once are one call."""
    it = Egress()
    it.model.gate = asyncio.Event()
    first = asyncio.create_task(it.stage.prepare(it.record()))
    await until(lambda: bool(it.model.calls))
    copied = (await it.stage.prepare(it.record())).decide(0, it.state)
    assert copied.facts == (CopySeen("requests"),)
    it.model.gate.set()
    effects = (await first).decide(0, it.state)
    assert len(on(effects, Topic.COMPLETIONS)) == 1
    assert not it.stage.in_flight


async def test_a_call_that_was_cancelled_can_be_made_again() -> None:
    """A partition that is taken away in between and comes back is worked on again."""
    it = Egress()
    it.model.gate = asyncio.Event()
    record = it.record()
    first = asyncio.create_task(it.stage.prepare(record))
    await until(lambda: bool(it.model.calls))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    it.model.gate = None
    assert on(await it.handle(record), Topic.COMPLETIONS)[0]["code"] == "ok"


async def test_of_two_that_were_called_the_second_is_dropped() -> None:
    """A decision looks at the state again."""
    it = Egress()
    record = it.record()
    late = await it.stage.prepare(record)
    it.stage.forget_in_flight()
    await it.handle(record)
    assert late.decide(0, it.state).facts[-1] == CopySeen("requests")


async def test_what_cannot_be_read_is_dead_lettered() -> None:
    """Its prompt is closed by its deadline."""
    it = Egress()
    effects = await it.handle(replace(it.record(), value=b"x"))
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["not_avro"]
    assert effects.facts == (DeadLettered("requests", Code.NOT_AVRO),)
    poisoned = it.stage.poisoned(it.record()).decide(0, it.state)
    assert [letter["code"] for letter in on(poisoned, Topic.DEAD_LETTERS)] == ["internal_error"]


async def test_answered_requests_are_forgotten_after_a_day() -> None:
    """State does not grow for ever; not a moment earlier, because a copy might come."""
    it = Egress()
    await it.handle(it.record())
    it.clock.advance(RECORD_KEPT_MS / 1000 - 1)
    assert it.swept() == 0
    it.clock.advance(1)
    assert it.swept() == 2
    assert {key[:1] for key in it.state.rows} == {b"S"}

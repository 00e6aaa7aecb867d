"""Lanes: what nobody waits for is never before what somebody waits for, and no tenant's burst is before another's prompt."""

from __future__ import annotations

from dataclasses import replace

from streamgate.pipeline._lanes import Lanes
from streamgate.telemetry import CopySeen, PromptMoved
from streamgate.types import Topic
from tests.fakes.egress import Egress
from tests.fakes.pipeline import Vault, on


def test_a_tenant_with_many_requests_out_goes_on_in_bulk() -> None:
    """Until some have ended; another tenant is not touched, and a request keeps its lane when it is issued again."""
    lanes = Lanes(most_open=2)
    assert [lanes.choose("prompts", "acme", request) for request in ("1", "2", "3", "1")] == [
        Topic.REQUESTS,
        Topic.REQUESTS,
        Topic.REQUESTS_BULK,
        Topic.REQUESTS,
    ]
    assert lanes.choose("prompts", "globex", "4") is Topic.REQUESTS
    lanes.ended("acme", "3")
    assert lanes.choose("prompts", "acme", "5") is Topic.REQUESTS_BULK
    lanes.ended("acme", "1")
    assert lanes.choose("prompts", "acme", "5") is Topic.REQUESTS


def test_bulk_stays_bulk_and_takes_no_room() -> None:
    """However idle the tenant is."""
    lanes = Lanes(most_open=1)
    assert {lanes.choose("prompts.bulk", "acme", request) for request in "123"} == {Topic.REQUESTS_BULK}
    assert lanes.choose("prompts", "acme", "4") is Topic.REQUESTS


def test_what_was_out_is_forgotten_with_the_partitions() -> None:
    """Others end it then."""
    lanes = Lanes(most_open=1)
    lanes.choose("prompts", "acme", "1")
    lanes.clear()
    assert lanes.choose("prompts", "acme", "2") is Topic.REQUESTS
    lanes.ended("acme", "unknown")
    lanes.ended("globex", "unknown")


async def test_a_prompt_keeps_its_lane() -> None:
    """Its request goes to the topic of the same lane; everything else is alike."""
    it = Vault()
    bulk = replace(it.redact, topic=Topic.PROMPTS_BULK)
    record = it.prompt()
    effects = await it.handle(bulk, replace(record, topic=Topic.PROMPTS_BULK))
    assert [len(on(effects, topic)) for topic in (Topic.REQUESTS, Topic.REQUESTS_BULK)] == [0, 1]
    assert PromptMoved() not in effects.facts


async def test_a_busy_tenants_prompt_is_moved_and_counted() -> None:
    """It comes back when an earlier one has ended, however that one ended."""
    it = Vault()
    it.desk.lanes.most_open = 1
    await it.accepted()
    effects = await it.handle(it.redact, it.prompt(event_id="event-2"))
    assert [len(on(effects, topic)) for topic in (Topic.REQUESTS, Topic.REQUESTS_BULK)] == [0, 1]
    assert PromptMoved() in effects.facts
    it.clock.advance(120)
    it.swept()
    assert len(on(await it.handle(it.redact, it.prompt(event_id="event-3")), Topic.REQUESTS)) == 1


async def test_a_request_that_stands_in_both_lanes_is_called_once() -> None:
    """Issued again after a crash, it may have another lane than before."""
    it = Egress()
    bulk = replace(it.stage, topic=Topic.REQUESTS_BULK)
    record = it.record()
    first = await it.stage.prepare(record)
    second = await bulk.prepare(replace(record, topic=Topic.REQUESTS_BULK))
    assert second.decide(0, it.state).facts == (CopySeen("requests.bulk"),)
    it.state.carry_out(first.decide(0, it.state))
    assert (await bulk.prepare(replace(record, offset=9))).decide(0, it.state).facts
    assert len(it.model.calls) == 1

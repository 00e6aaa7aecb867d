"""Prompts marked for a batch, from the producer to the answer, before a server that has the Files and Batches API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from streamgate.bootstrap import Decision, Installation, publish_consent
from streamgate.client import Response
from streamgate.config._sections import Batch
from streamgate.demo._broker import EmbeddedBroker
from streamgate.errors import Code, Status
from streamgate.types import Topic
from tests.e2e.world import PATIENCE_SECONDS, World, until, world_on
from tests.fixtures_kafka import Broker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]
PROMPTS = 200


def with_batches(made: Installation) -> Installation:
    """The purpose hr allows batches, and nothing waits long."""
    egress = made.settings.egress.model_copy(update={"batch": Batch(longest_wait_seconds=1.0, poll_seconds=0.2)})
    purposes = {**made.policy.purposes, "hr": replace(made.policy.purposes["hr"], batch=True)}
    return replace(made, settings=made.settings.model_copy(update={"egress": egress}), policy=replace(made.policy, purposes=purposes))


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[pytest.param("kafka", marks=pytest.mark.kafka), "embedded"])
async def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One installation for this module on each broker."""
    folder = tmp_path_factory.mktemp("batch")
    if request.param == "embedded":
        async with EmbeddedBroker() as broker, world_on(Broker(broker.bootstrap, embedded=True), folder, with_batches) as world:
            yield world
    else:
        async with world_on(request.getfixturevalue("kafka"), folder, with_batches) as world:
            yield world


async def no_file_left(world: World) -> None:
    """Until the provider holds nothing any more."""

    async def look() -> bool | None:
        return not world.provider.desk.files or None

    await until(look)


async def test_prompts_marked_for_it_are_answered_by_batches(world: World) -> None:
    """200 of 40 people, each answered once with its own values; none by a call of its own; and no file is left at the provider."""
    calls = len(world.provider.received)

    async def ask(number: int) -> Response:
        text = f"My name is Maria Gonzalez, write to maria{number}@example.com."
        return await world.ask(purpose="hr", subject=f"s-{number % 40}", event_id=f"b-{number}", messages=[("user", text)], batch=True)

    answers = await asyncio.gather(*(ask(number) for number in range(PROMPTS)))
    assert {(answer.status, answer.code) for answer in answers} == {(Status.ANSWERED, Code.OK)}
    assert all("Maria Gonzalez" in (answer.text or "") for answer in answers)
    assert all(answer.usage is not None and answer.provider_request_id for answer in answers)
    await no_file_left(world)
    sent = b"".join(world.provider.desk.received)
    assert sent.count(b"custom_id") == PROMPTS
    assert sent.count(b'"store": false') == PROMPTS
    assert b"Maria" not in sent
    assert len(world.provider.received) == calls
    assert len(world.provider.desk.batches) < PROMPTS / 4
    responses = [each for each in await world.records(Topic.RESPONSES) if each["event_id"].startswith("b-")]
    assert len(responses) == PROMPTS
    completed = await world.records(Topic.AUDIT_EVENTS, fact="call_completed")
    assert sum(event["counts"].get("batch", 0) for event in completed) == PROMPTS


async def test_a_purpose_that_does_not_allow_it_refuses_the_prompt(world: World) -> None:
    """It is not sent another way: whoever marked it counts on the price."""
    before = len(world.provider.received), len(world.provider.desk.received)
    answer = await world.ask(batch=True)
    assert (answer.status, answer.code) == (Status.REFUSED, Code.BATCH_NOT_ALLOWED)
    assert (len(world.provider.received), len(world.provider.desk.received)) == before


async def test_of_a_batch_that_expires_every_prompt_fails(world: World) -> None:
    """With a code, once, and the files are deleted."""
    desk = world.provider.desk
    desk.ending = "expired"
    try:
        asked = (world.ask(purpose="hr", subject=f"s-{number}", batch=True) for number in range(6))
        answers = await asyncio.gather(*asked)
    finally:
        desk.ending = "completed"
    assert {(answer.status, answer.code) for answer in answers} == {(Status.FAILED, Code.PROVIDER_FAILED)}
    await no_file_left(world)


async def test_a_line_that_is_missing_ends_its_prompt(world: World) -> None:
    """Half of the lines are left out: those prompts fail, the others are answered."""
    desk = world.provider.desk
    every, desk.written = desk.written, lambda lines: lines[::2]
    try:
        asked = (world.ask(purpose="hr", subject="s-same", batch=True) for _ in range(6))
        answers = await asyncio.gather(*asked)
    finally:
        desk.written = every
    codes = [answer.code for answer in answers]
    assert set(codes) == {Code.OK, Code.PROVIDER_INVALID_REPLY}
    await no_file_left(world)


async def test_a_withdrawal_while_a_batch_runs_keeps_its_answer_back(world: World) -> None:
    """The line cannot be taken back; what comes of it is not published."""
    desk, made = world.provider.desk, world.running.installation
    desk.looks, files = 10_000, len(desk.received)
    asked = asyncio.create_task(world.ask(purpose="hr", subject="s-withdrawn", batch=True))

    async def sent() -> bool | None:
        return len(desk.received) > files or None

    await until(sent)
    await publish_consent(made, "acme", "s-withdrawn", "hr", Decision.WITHDRAW, "test")
    desk.looks = 0
    answer = await asyncio.wait_for(asked, PATIENCE_SECONDS)
    assert (answer.status, answer.code, answer.text) == (Status.REFUSED, Code.CONSENT_WITHDRAWN, None)
    desk.looks = 1
    await no_file_left(world)


async def test_a_deadline_holds_while_a_batch_runs(world: World) -> None:
    """The prompt fails by its deadline, the batch is cancelled when nobody waits for it any more, and its files are deleted."""
    desk = world.provider.desk
    desk.looks = 10_000
    answer = await world.ask(purpose="hr", subject="s-late", batch=True, deadline_ms=time.time_ns() // 1_000_000 + 4_000)
    assert (answer.status, answer.code) == (Status.FAILED, Code.DEADLINE_EXCEEDED)
    await no_file_left(world)
    assert [batch["status"] for batch in desk.batches.values()][-1] == "cancelled"
    desk.looks = 1

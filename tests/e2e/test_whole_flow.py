"""The whole flow with three roles, on the embedded broker and on real Kafka: what each good and bad prompt gets, and what rights do."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from streamgate.adapters.detector_pool import DetectorPool
from streamgate.bootstrap import Decision, Right, produce_raw, publish_consent, request_right, verify_audit
from streamgate.client import Prompt, PromptProducer, Response
from streamgate.demo._inspect import decoded
from streamgate.demo._provider import SimulatedProvider
from streamgate.demo._workers import Running, installation, workers
from streamgate.errors import Code, Status
from streamgate.types import Subject, Topic
from tests.fixtures_kafka import Broker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
TEXT = "My name is Maria Gonzalez, write to maria.g@example.com."


@dataclass
class World:
    """Everything that is up, and how to ask."""

    running: Running
    provider: SimulatedProvider
    producer: PromptProducer
    folder: Path

    async def ask(self, **changes: Any) -> Response:
        """One prompt, with changes, and its response."""
        fields: dict[str, Any] = {"tenant": "acme", "subject": "s-1", "purpose": "support", "messages": [("user", TEXT)]} | changes
        return await self.producer.exchange(Prompt(**fields), timeout_seconds=60)

    async def dead_letters(self, code: Code) -> int:
        """How many there are of a code; waits for the first."""
        async with asyncio.timeout(30):
            while True:
                records = await decoded(self.running.installation, Topic.DEAD_LETTERS)
                count = sum(record["code"] == code.value for record in records)
                if count:
                    return count
                await asyncio.sleep(0.1)


@pytest_asyncio.fixture
async def world(broker: Broker, prefix: str, tmp_path: Path) -> AsyncIterator[World]:
    """Three roles in this process on a broker, before a simulated provider."""
    pool = DetectorPool(workers=1)
    await pool.start()
    async with SimulatedProvider(0.01) as provider:
        made = installation(
            tmp_path,
            bootstrap=broker.bootstrap,
            prefix=prefix,
            embedded=broker.embedded,
            replication=1,
            base_url=provider.base_url,
            api_key=None,
        )
        options = made.connection().client_options()
        producer = PromptProducer(
            options.pop("bootstrap_servers"), tenant="acme", prefix=prefix, idempotent=not broker.embedded, **options
        )
        async with workers(made, pool, pool, io.StringIO(), "info") as running, producer:
            yield World(running, provider, producer, tmp_path)
    await pool.stop()


async def test_every_prompt_gets_the_response_it_should(world: World) -> None:
    """Answers are restored; each bad prompt gets its code; what cannot be read is dead-lettered; nothing else is disturbed."""
    answered = await world.ask()
    assert (answered.status, answered.code) == (Status.ANSWERED, Code.OK)
    assert "Maria Gonzalez" in (answered.text or "")
    assert not any(b"Maria" in body or b"maria.g" in body for body in world.provider.received)
    expected = [
        ({"purpose": "profiling"}, Code.UNKNOWN_PURPOSE),
        ({"tenant": "nobody"}, Code.UNKNOWN_TENANT),
        ({"reply_topic": "elsewhere"}, Code.REPLY_TOPIC_NOT_ALLOWED),
        ({"model": "gpt-0"}, Code.UNKNOWN_MODEL),
        ({"messages": [("user", " ")]}, Code.EMPTY_PROMPT),
        ({"messages": [("user", "x" * 300_000)]}, Code.OVERSIZE_PROMPT),
        ({"messages": [("king", "hello")]}, Code.ROLE_NOT_ALLOWED),
        ({"purpose": "marketing-drafts"}, Code.NO_CONSENT),
        ({"deadline_ms": time.time_ns() // 1_000_000 - 1000}, Code.DEADLINE_EXCEEDED),
    ]
    got = await asyncio.gather(*(world.ask(**changes) for changes, _ in expected))
    assert [response.code for response in got] == [code for _, code in expected]
    nobody = got[1]
    assert (nobody.tenant, nobody.subject, nobody.text) == (None, None, None)
    await produce_raw(world.running.installation, Topic.PROMPTS, Subject("acme", "s-1"), b"no avro at all")
    assert await world.dead_letters(Code.NOT_AVRO) == 1
    assert (await world.ask(subject="s-2")).status is Status.ANSWERED


async def test_a_copy_gets_no_second_answer_and_other_content_is_dead_lettered(world: World) -> None:
    """The same event id is answered once; with other content it goes to dead-letters without a response."""
    prompt = Prompt(tenant="acme", subject="s-1", purpose="support", messages=[("user", TEXT)], event_id="once")
    assert (await world.producer.exchange(prompt, timeout_seconds=60)).status is Status.ANSWERED
    await world.producer.send(Prompt(tenant="acme", subject="s-1", purpose="support", messages=[("user", "other")], event_id="once"))
    assert await world.dead_letters(Code.CONTENT_CONFLICT) == 1
    responses = await decoded(world.running.installation, Topic.RESPONSES)
    assert sum(record["event_id"] == "once" for record in responses) == 1


async def test_a_provider_that_recovers_is_asked_again_and_one_that_declines_is_not(world: World) -> None:
    """Two 500s in a row are retried; a content filter ends the prompt as refused; neither error's text goes anywhere."""
    world.provider.fail_next(500, times=2)
    assert (await world.ask()).status is Status.ANSWERED
    world.provider.fail_next(400, code="content_filter")
    refused = await world.ask()
    assert (refused.status, refused.code) == (Status.REFUSED, Code.PROVIDER_REFUSED)


async def test_rights_take_effect(world: World) -> None:
    """A grant opens, a withdrawal closes; an export lists the uses; after an erasure nothing opens, and a new prompt begins afresh."""
    made = world.running.installation
    drafts: dict[str, Any] = {"purpose": "marketing-drafts", "subject": "s-9"}
    await publish_consent(made, "acme", "s-9", "marketing-drafts", Decision.GRANT, "test")
    assert (await world.ask(**drafts)).status is Status.ANSWERED
    before = world.provider.received[-1]
    await publish_consent(made, "acme", "s-9", "marketing-drafts", Decision.WITHDRAW, "test")
    assert (await world.ask(**drafts)).code is Code.CONSENT_WITHDRAWN
    export = json.loads(await request_right(made, "acme", "s-9", Right.EXPORT, 60))
    assert [use["code"] for use in export["uses"]] == ["ok", "consent_withdrawn"]
    receipt = json.loads(await request_right(made, "acme", "s-9", Right.ERASE, 60))
    assert receipt["destroyed"]["keys"] == 1
    assert json.loads(await request_right(made, "acme", "s-9", Right.EXPORT, 60))["keys_held"] == 0
    again = await world.ask(subject="s-9")
    assert again.status is Status.ANSWERED
    tokens = {word for body in (before, world.provider.received[-1]) for word in body.split() if b"[EMAIL_" in word}
    assert len(tokens) == 2
    async with asyncio.timeout(30):
        while True:
            reports = await verify_audit(made, [world.folder / "keys" / "notary.pub.pem"], None, None)
            if sum(report.entries for report in reports.values()) >= 9:
                break
            await asyncio.sleep(0.2)
    assert all(report.intact for report in reports.values())


async def test_a_deadline_holds_when_egress_is_down(world: World) -> None:
    """With no egress a prompt still ends, by its deadline."""
    await world.running.egress.stop()
    deadline = time.time_ns() // 1_000_000 + 3_000
    response = await world.ask(deadline_ms=deadline)
    assert (response.status, response.code) == (Status.FAILED, Code.DEADLINE_EXCEEDED)

"""The whole flow with three roles, on the embedded broker and on real Kafka: what each good and bad prompt gets, and what rights do.

The tests of a broker share one installation. Each has subjects of its own; the last ones look at everything that was left behind.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from streamgate.bootstrap import Decision, Right, produce_raw, publish_consent, request_right
from streamgate.demo._broker import EmbeddedBroker
from streamgate.errors import Code, Status
from streamgate.pipeline._vaultstate import VaultState
from streamgate.topology import Overlay
from streamgate.types import Subject, Topic
from tests.e2e.world import PATIENCE_SECONDS, World, now_ms, until, world_on
from tests.fixtures_kafka import Broker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[pytest.param("kafka", marks=pytest.mark.kafka), "embedded"])
async def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One installation for this module on each broker."""
    folder = tmp_path_factory.mktemp("whole-flow")
    if request.param == "embedded":
        async with EmbeddedBroker() as broker, world_on(Broker(broker.bootstrap, embedded=True), folder) as world:
            yield world
    else:
        async with world_on(request.getfixturevalue("kafka"), folder) as world:
            yield world


def key_rows(world: World, subject: Subject) -> int:
    """How many keys vault's state holds for a subject, looked up as vault does."""
    vault = world.running.vault
    assert vault.vault is not None
    views = [VaultState(Overlay(vault.rows(), number), vault.vault.desk.sealer) for number in range(3)]
    return sum(view.key_count(view.digest(subject)) for view in views)


async def test_an_answer_comes_with_values_restored_and_nothing_found_leaves(world: World) -> None:
    """The producer reads its own values; the provider has read tokens in their place, the same ones for the same person and purpose."""
    answered = await world.ask()
    assert (answered.status, answered.code) == (Status.ANSWERED, Code.OK)
    assert "Maria Gonzalez" in (answered.text or "")
    assert answered.unresolved_tokens == 0
    first = world.email_tokens()
    await world.ask()
    assert first == world.email_tokens() != set()
    await world.ask(subject="somebody-else")
    assert world.email_tokens().isdisjoint(first)
    assert not any(b"Maria" in body or b"maria.g" in body for body in world.provider.received)


async def test_every_bad_prompt_gets_its_code_and_disturbs_no_other(world: World) -> None:
    """Each ends as refused or failed under its code, and no text of any goes out; good prompts among them are answered."""
    calls = len(world.provider.received)
    expected: list[tuple[dict[str, Any], Code]] = [
        ({"purpose": "profiling"}, Code.UNKNOWN_PURPOSE),
        ({"tenant": "nobody"}, Code.UNKNOWN_TENANT),
        ({"reply_topic": "responses.globex"}, Code.REPLY_TOPIC_NOT_ALLOWED),
        ({"model": "gpt-0"}, Code.UNKNOWN_MODEL),
        ({"messages": [("user", " ")]}, Code.EMPTY_PROMPT),
        ({"messages": [("user", "x" * 300_000)]}, Code.OVERSIZE_PROMPT),
        ({"messages": [("king", "hello")]}, Code.ROLE_NOT_ALLOWED),
        ({"purpose": "marketing-drafts"}, Code.NO_CONSENT),
        ({"deadline_ms": now_ms() - 1000}, Code.DEADLINE_EXCEEDED),
        ({}, Code.OK),
        ({"subject": "s-2"}, Code.OK),
    ]
    got = await asyncio.gather(*(world.ask(**changes) for changes, _ in expected))
    assert [response.code for response in got] == [code for _, code in expected]
    assert [response.status for response in got] == [Status.REFUSED] * 8 + [Status.FAILED] + [Status.ANSWERED] * 2
    assert len(world.provider.received) == calls + 2
    for anonymous in got[1:3]:  # whose reply topic is not to be trusted gets event id and code on the default topic, nothing else
        assert (anonymous.tenant, anonymous.subject, anonymous.purpose, anonymous.text) == (None, None, None, None)


async def test_what_is_not_avro_is_dead_lettered(world: World) -> None:
    """Bytes that are no event get a sealed dead letter and no response; the next prompt of the same subject is answered."""
    responses = len(await world.records(Topic.RESPONSES))
    await produce_raw(world.running.installation, Topic.PROMPTS, Subject("acme", "s-1"), b"no avro at all")
    (letter,) = await world.wait_for(1, Topic.DEAD_LETTERS, code=Code.NOT_AVRO.value)
    assert b"no avro" not in letter["sealed"]
    assert (await world.ask()).status is Status.ANSWERED
    assert len(await world.records(Topic.RESPONSES)) == responses + 1


async def test_a_copy_gets_the_same_bytes_and_other_content_is_dead_lettered(world: World) -> None:
    """Written anew and sent again, the same prompt costs no call; other content under its event id gets no response."""
    prompt = world.prompt(subject="s-copy", event_id="once")
    assert (await world.producer.exchange(prompt, timeout_seconds=PATIENCE_SECONDS)).status is Status.ANSWERED
    calls = len(world.provider.received)
    await world.producer.send(world.prompt(subject="s-copy", event_id="once"))
    first, again = await world.wait_for(2, Topic.RESPONSES, event_id="once")
    assert first == again
    await world.producer.send(world.prompt(subject="s-copy", event_id="once", messages=[("user", "other")]))
    await world.wait_for(1, Topic.DEAD_LETTERS, code=Code.CONTENT_CONFLICT.value)
    assert len(await world.records(Topic.RESPONSES, event_id="once")) == 2
    assert len(world.provider.received) == calls


async def test_a_prompt_of_the_bulk_lane_is_answered_like_any_other(world: World) -> None:
    """By its own topics."""
    assert (await world.ask(bulk=True, subject="s-bulk")).status is Status.ANSWERED
    assert len(await world.records(Topic.PROMPTS_BULK, subject="s-bulk")) == 1


async def test_a_provider_that_recovers_is_asked_again_and_one_that_declines_is_not(world: World) -> None:
    """Two 500s in a row are retried; a content filter ends the prompt as refused after one call."""
    calls = len(world.provider.received)
    world.provider.fail_next(500, times=2)
    assert (await world.ask()).status is Status.ANSWERED
    assert len(world.provider.received) == calls + 3
    world.provider.fail_next(400, code="content_filter")
    refused = await world.ask()
    assert (refused.status, refused.code, refused.text) == (Status.REFUSED, Code.PROVIDER_REFUSED, None)
    assert len(world.provider.received) == calls + 4


async def test_a_grant_opens_and_a_withdrawal_closes(world: World) -> None:
    """Without a grant, refused; with one, answered; withdrawn, refused again: each for the very next prompt. The export lists it all."""
    made = world.running.installation
    drafts = {"purpose": "marketing-drafts", "subject": "s-consent"}
    assert (await world.ask(**drafts)).code is Code.NO_CONSENT
    await publish_consent(made, "acme", "s-consent", "marketing-drafts", Decision.GRANT, "test")
    assert (await world.ask(**drafts)).status is Status.ANSWERED
    await publish_consent(made, "acme", "s-consent", "marketing-drafts", Decision.WITHDRAW, "test")
    assert (await world.ask(**drafts)).code is Code.CONSENT_WITHDRAWN
    export = json.loads(await request_right(made, "acme", "s-consent", Right.EXPORT, PATIENCE_SECONDS))
    assert [use["code"] for use in export["uses"]] == ["no_consent", "ok", "consent_withdrawn"]
    assert [held["decision"] for held in export["decisions"]] == ["withdraw"]
    assert export["keys_held"] == 1


async def test_a_withdrawal_while_the_call_is_out_keeps_the_answer_back(world: World) -> None:
    """The provider answers after the withdrawal: the prompt ends as refused and its answer is published nowhere."""
    made = world.running.installation
    await publish_consent(made, "acme", "s-out", "marketing-drafts", Decision.GRANT, "test")
    calls = len(world.provider.received)
    withdrawn = len(await world.records(Topic.AUDIT_EVENTS, fact="consent_withdrawn"))
    world.provider.gate.clear()
    waiting = asyncio.create_task(world.ask(purpose="marketing-drafts", subject="s-out"))
    await world.reaches_provider(calls)
    await publish_consent(made, "acme", "s-out", "marketing-drafts", Decision.WITHDRAW, "test")
    await world.wait_for(withdrawn + 1, Topic.AUDIT_EVENTS, fact="consent_withdrawn")
    world.provider.gate.set()
    refused = await waiting
    assert (refused.status, refused.code, refused.text) == (Status.REFUSED, Code.CONSENT_WITHDRAWN, None)


async def test_an_erasure_destroys_the_key_and_a_later_prompt_begins_afresh(world: World) -> None:
    """The receipt counts what was destroyed, the key is gone, the export is empty; a prompt afterwards has a new key and other tokens."""
    made, subject = world.running.installation, Subject("acme", "s-erased")
    await world.ask(subject="s-erased")
    before = world.email_tokens()
    assert key_rows(world, subject) == 1
    receipt = json.loads(await request_right(made, "acme", "s-erased", Right.ERASE, PATIENCE_SECONDS))
    assert receipt["destroyed"]["keys"] == 1

    async def gone() -> bool | None:
        return key_rows(world, subject) == 0 or None

    await until(gone)  # the receipt is out a moment before the decision that made it is done
    export = json.loads(await request_right(made, "acme", "s-erased", Right.EXPORT, PATIENCE_SECONDS))
    assert (export["keys_held"], export["uses"], export["decisions"]) == (0, [], [])
    assert (await world.ask(subject="s-erased")).status is Status.ANSWERED
    assert key_rows(world, subject) == 1
    assert before.isdisjoint(world.email_tokens())


async def test_a_completion_that_comes_after_an_erasure_is_dropped(world: World) -> None:
    """The prompt whose call is out ends as subject_erased at once; what the provider answers later is dropped and audited."""
    made = world.running.installation
    calls = len(world.provider.received)
    late = len(await world.records(Topic.AUDIT_EVENTS, fact="late_completion"))
    world.provider.gate.clear()
    waiting = asyncio.create_task(
        world.producer.exchange(world.prompt(subject="s-late", event_id="late"), timeout_seconds=PATIENCE_SECONDS)
    )
    await world.reaches_provider(calls)
    receipt = json.loads(await request_right(made, "acme", "s-late", Right.ERASE, PATIENCE_SECONDS))
    assert receipt["destroyed"]["prompts_stopped"] == 1
    ended = await waiting
    assert (ended.status, ended.code, ended.text) == (Status.REFUSED, Code.SUBJECT_ERASED, None)
    world.provider.gate.set()
    assert len(await world.wait_for(late + 1, Topic.AUDIT_EVENTS, fact="late_completion")) == late + 1
    assert len(await world.records(Topic.RESPONSES, event_id="late")) == 1


async def test_a_deadline_holds_while_egress_is_down(world: World) -> None:
    """With no egress a prompt still ends, by its deadline; when egress is back it makes no call for it, and the next one is answered."""
    await world.egress.stop()
    calls = len(world.provider.received)
    ended = await world.ask(deadline_ms=now_ms() + 2_000)
    assert (ended.status, ended.code) == (Status.FAILED, Code.DEADLINE_EXCEEDED)
    await world.restart_egress()
    assert (await world.ask()).status is Status.ANSWERED
    assert len(world.provider.received) == calls + 1


async def test_each_prompt_has_one_response(world: World) -> None:
    """Over everything above no event id has two different responses, and only the copy's has two."""
    responses = await world.records(Topic.RESPONSES)
    assert len({record["event_id"] for record in responses}) == len(responses) - 1


async def test_the_audit_log_is_whole(world: World) -> None:
    """Every audit event of every role has its entry, and each partition's chain is intact."""
    reports = await world.audit()
    assert len(reports) == 3
    assert all(report.intact and report.entries for report in reports.values())

"""Vault killed with -9 in the middle of a replay, on real Kafka: every dead letter is replayed exactly once."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from pathlib import Path

import pytest

from streamgate.adapters.kafka_follow import following
from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.bootstrap import Answer, Command, Installation, Letter, Place, apply_topics, ask_about_letters, list_letters, verify_audit
from streamgate.client import Prompt
from streamgate.codec import SchemaSet, approve, encode, packaged_schemas
from streamgate.demo._provider import SimulatedProvider
from streamgate.errors import Code
from streamgate.pipeline._screen import partition_of
from streamgate.types import Role, Topic
from tests.e2e.world import until
from tests.fault.roles import Roles, audited, records, responses, started
from tests.fixtures_kafka import Broker

LETTERS, SUBJECTS, PARTITIONS = 60, 20, 3
pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(240)]


def approve_second_version(directory: Path) -> SchemaSet:
    """Another version of the prompts' schema, approved."""
    third = json.loads((directory / "prompts" / "v2.avsc").read_text(encoding="utf-8"))
    third["fields"].append({"name": "note", "type": ["null", "string"], "default": None, "streamgate": {"action": "drop"}})
    (directory / "prompts" / "v3.avsc").write_text(json.dumps(third), encoding="utf-8")
    approve(directory)
    return SchemaSet.load(directory)


async def send(made: Installation, schemas: SchemaSet) -> set[str]:
    """Prompts of the version that is not approved yet; their event ids."""
    prompts = [
        Prompt(
            tenant="acme",
            subject=f"s-{number % SUBJECTS}",
            purpose="support",
            messages=[("user", f"My name is Maria Gonzalez, mail maria{number}@example.com")],
            event_id=f"event-{number}",
        )
        for number in range(LETTERS)
    ]
    schema, now_ms = schemas.latest(Topic.PROMPTS), time.time_ns() // 1_000_000
    publisher = KafkaPublisher(made.connection())
    await publisher.start()
    await publisher.publish(
        [
            Publication(
                made.prefix + Topic.PROMPTS,
                partition_of(prompt.key, PARTITIONS),
                prompt.key,
                encode(schema, prompt.record(now_ms) | {"note": None}),
            )
            for prompt in prompts
        ],
        30,
    )
    await publisher.stop()
    return {prompt.event_id for prompt in prompts}


async def letters_of(made: Installation, fact: str) -> list[str | None]:
    """The letters of one audit fact."""
    decoder = made.decoder()
    events = [(await decoder.decode(Topic.AUDIT_EVENTS, message.value)).record for message in await records(made, Topic.AUDIT_EVENTS)]
    return [event["letter"] for event in events if event["fact"] == fact]


async def lettered(made: Installation) -> list[Place]:
    """Where all letters stand, once they are there; each can be replayed."""

    async def look() -> list[Letter] | None:
        found = [letter async for letter in list_letters(made)]
        return found if len(found) == LETTERS else None

    letters = await until(look, 60)
    assert {letter.obstacle for letter in letters} == {None}
    return [letter.place for letter in letters]


async def replayed_over_a_kill(roles: Roles, places: list[Place], at_kill: int) -> tuple[list[Answer], int, float]:
    """Ask for all, and kill vault after so many results: the answers, how many replays were committed then, and the seconds since."""
    made = roles.installation()
    async with following(made.connection(), made.prefix + Topic.OPERATOR_RESULTS, PARTITIONS) as results:
        asking = asyncio.create_task(ask_about_letters(made, Command.REPLAY, places, "jdoe", "INC-4711", 120))
        roles.start(Role.VAULT)
        seen = 0
        async for _ in results:
            seen += 1
            if seen >= at_kill:
                break
    roles.kill(Role.VAULT)
    before, killed = len(await letters_of(made, "letter_replayed")), time.monotonic()
    roles.start(Role.VAULT)
    return await asking, before, time.monotonic() - killed


@pytest.mark.parametrize("at_kill", [1, 30])
async def test_each_letter_is_replayed_once_when_vault_is_killed(at_kill: int, kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """60 letters, vault killed after some were replayed and started again: 60 replays, 60 answers, none of them twice."""
    async with SimulatedProvider(0.01) as provider:
        shutil.copytree(packaged_schemas(), tmp_path / "schemas")
        shutil.copytree(packaged_schemas(), tmp_path / "mended")
        roles = Roles(tmp_path, kafka.bootstrap, prefix, provider.base_url)
        roles.own[Role.VAULT]["STREAMGATE_SCHEMAS__DIRECTORY"] = str(tmp_path / "schemas")
        made = roles.installation()
        await apply_topics(made)

        async def answered() -> bool | None:
            return len(await responses(made)) == LETTERS or None

        async def whole() -> int | None:
            return await audited(made)

        with started(roles):
            sent = await send(made, approve_second_version(tmp_path / "mended"))
            places = await lettered(made)
            vault = roles.running[Role.VAULT, 0]
            vault.terminate()
            await asyncio.to_thread(vault.wait)
            roles.own[Role.VAULT]["STREAMGATE_SCHEMAS__DIRECTORY"] = str(tmp_path / "mended")
            answers, before, took = await replayed_over_a_kill(roles, places, at_kill)
            await until(answered, 120)
            await until(whole)
            found = await responses(made)
            replayed, refused = await letters_of(made, "letter_replayed"), await letters_of(made, "letter_refused")
            on_prompts = await records(made, Topic.PROMPTS)
            reports = await verify_audit(made, [tmp_path / "keys" / "notary.pub.pem"], None, None)
        # Figures for whoever runs this with -s.
        print(f"\nkilled when {before} of {LETTERS} were replayed; the rest {took:.1f} s after the kill")  # noqa: T201
        assert before < LETTERS
        assert [answer.code for answer in answers] == [Code.OK] * LETTERS
        assert sorted(map(str, replayed)) == sorted(map(str, places))
        assert refused == []
        assert len(on_prompts) == 2 * LETTERS
        assert set(found) == sent
        assert all(len(each) == 1 and b"Maria Gonzalez" in each[0] for each in found.values())
        assert all(report.intact for report in reports.values())

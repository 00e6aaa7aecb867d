"""Dead letters, listed, shown and replayed, with three roles on the embedded broker and on real Kafka.

The prompts here are of a schema that is not approved when they come. Then it is, and vault starts again.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from streamgate.adapters.kafka_head import read_all
from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.bootstrap import (
    Answer,
    Command,
    Decision,
    Installation,
    Letter,
    Original,
    Place,
    Right,
    ask_about_letters,
    list_letters,
    produce_raw,
    publish_consent,
    request_right,
)
from streamgate.client import Prompt
from streamgate.codec import SchemaSet, approve, encode, packaged_schemas
from streamgate.demo._broker import EmbeddedBroker
from streamgate.errors import Code, Status
from streamgate.pipeline._original import FIRST_OFFSET_HEADER, LETTER_HEADER, letter_aad
from streamgate.pipeline._screen import partition_of
from streamgate.types import Role, Subject, Topic
from streamgate.vault import DeadLetterSealer
from tests.e2e.world import PATIENCE_SECONDS, World, now_ms, until, world_on
from tests.fixtures_kafka import Broker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@dataclass
class Mended:
    """What was dead-lettered before the schema was approved, by subject; and the installation since then."""

    world: World
    installation: Installation
    sent: dict[str, bytes] = field(default_factory=dict)
    letters: dict[str, Letter] = field(default_factory=dict)

    async def letter(self, subject: str, **changes: Any) -> None:
        """Send one prompt, whose event id is its subject's; wait for its letter."""
        prompt = self.world.prompt(subject=subject, event_id=subject, **changes)
        self.sent[subject] = self.value(prompt)
        self.letters[subject] = await lettered(self.world, subject, self.sent[subject])

    def value(self, prompt: Prompt) -> bytes:
        """As a producer writes it that knows the new schema."""
        return encode(self.installation.schemas.latest(Topic.PROMPTS), prompt.record(now_ms()) | {"note": None})


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[pytest.param("kafka", marks=pytest.mark.kafka), "embedded"])
async def mended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mended]:
    """One installation for this module on each broker."""
    folder = tmp_path_factory.mktemp("dead-letters")
    if request.param == "embedded":
        async with EmbeddedBroker() as broker, world_on(Broker(broker.bootstrap, embedded=True), folder) as world:
            yield await mend(world, folder)
    else:
        async with world_on(request.getfixturevalue("kafka"), folder) as world:
            yield await mend(world, folder)


async def mend(world: World, folder: Path) -> Mended:
    """Letters first, the schema afterwards."""
    made = Mended(world, with_another_schema(world, folder))
    for subject in ("s-answered", "s-erased", "s-again"):
        await made.letter(subject)
    await publish_consent(world.running.installation, "acme", "s-withdrawn", "marketing-drafts", Decision.GRANT, "test")
    await made.letter("s-withdrawn", purpose="marketing-drafts")
    assert await code_of(world, Command.REPLAY, made.letters["s-again"].place) is Code.OK
    await until(lambda: second_letter(made))
    await world.restart_vault(made.installation)
    return made


def with_another_schema(world: World, folder: Path) -> Installation:
    """The installation as it is after another version of the prompts' schema was approved."""
    directory = folder / "schemas"
    shutil.copytree(packaged_schemas(), directory)
    third = json.loads((directory / "prompts" / "v2.avsc").read_text(encoding="utf-8"))
    third["fields"].append({"name": "note", "type": ["null", "string"], "default": None, "streamgate": {"action": "drop"}})
    (directory / "prompts" / "v3.avsc").write_text(json.dumps(third), encoding="utf-8")
    approve(directory)
    return replace(world.running.installation, schemas=SchemaSet.load(directory))


async def letters(world: World) -> list[Letter]:
    """Every dead letter."""
    return [letter async for letter in list_letters(world.running.installation)]


async def lettered(world: World, subject: str, value: bytes, topic: Topic = Topic.PROMPTS) -> Letter:
    """What comes of a record that nobody can read."""
    before = await letters(world)
    await produce_raw(world.running.installation, topic, Subject("acme", subject), value)

    async def look() -> Letter | None:
        new = [letter for letter in await letters(world) if letter not in before]
        return new[0] if new else None

    return await until(look)


async def second_letter(mended: Mended) -> Letter | None:
    """The letter of the prompt that was replayed before anything was mended."""
    first, known = mended.letters["s-again"], [letter.place for letter in mended.letters.values()]
    new = [each for each in await letters(mended.world) if each.place not in known and each.place.partition == first.place.partition]
    return next((each for each in new if each.size_bytes == first.size_bytes and each.code == first.code), None)


async def ask(world: World, command: Command, *places: Place, wait_seconds: float = PATIENCE_SECONDS) -> list[Answer]:
    """What vault says about letters."""
    return await ask_about_letters(world.running.installation, command, places, "jdoe", "INC-4711", wait_seconds)


async def code_of(world: World, command: Command, place: Place) -> Code | None:
    """What vault says about one letter."""
    (answer,) = await ask(world, command, place)
    return answer.code


async def audited(world: World, place: Place) -> list[tuple[str, str]]:
    """What the audit log says of a letter."""
    events = await world.records(Topic.AUDIT_EVENTS, letter=str(place), operator="jdoe", reason="INC-4711")
    return sorted((event["fact"], event["code"]) for event in events)


async def ended(world: World, event_id: str) -> tuple[str, str]:
    """Status and code of the one response to a prompt, after everything before on its partition was worked off."""
    await world.wait_for(1, Topic.RESPONSES, event_id=event_id)
    await world.ask(subject=event_id)
    (response,) = await world.records(Topic.RESPONSES, event_id=event_id)
    return response["status"], response["code"]


async def test_a_prompt_of_an_unknown_schema_is_shown_and_once_approved_answered_once(mended: Mended) -> None:
    """Listed with its code, shown as it was sent; replayed it is answered, and not a second time. All of it is audited."""
    world, letter = mended.world, mended.letters["s-answered"]
    assert (letter.code, letter.topic, letter.role, letter.obstacle) == (Code.UNKNOWN_SCHEMA, Topic.PROMPTS, Role.VAULT, None)
    assert letter.size_bytes == len(mended.sent["s-answered"])
    (shown,) = await ask(world, Command.SHOW, letter.place)
    original = Original(Subject("acme", "s-answered").key(), mended.sent["s-answered"])
    assert shown == Answer(letter.place, Code.OK, Topic.PROMPTS, original)
    assert await code_of(world, Command.REPLAY, letter.place) is Code.OK
    await world.wait_for(1, Topic.RESPONSES, event_id="s-answered")
    assert await code_of(world, Command.REPLAY, letter.place) is Code.LETTER_REPLAYED
    assert await ended(world, "s-answered") == (Status.ANSWERED, Code.OK)
    assert await audited(world, letter.place) == [
        ("letter_opened", "ok"),
        ("letter_refused", "letter_replayed"),
        ("letter_replayed", "unknown_schema"),
    ]


async def test_what_is_replayed_too_early_gets_one_new_letter(mended: Mended) -> None:
    """It names the letter it comes from and where it stood first; it is replayed in its turn, the first letter never again."""
    world, first, second = mended.world, mended.letters["s-again"], await until(lambda: second_letter(mended))
    (shown,) = await ask(world, Command.SHOW, second.place)
    headers = {FIRST_OFFSET_HEADER: str(first.source.offset).encode(), LETTER_HEADER: str(first.place).encode()}
    assert shown.original == Original(Subject("acme", "s-again").key(), mended.sent["s-again"], tuple(sorted(headers.items())))
    assert (second.code, second.obstacle) == (Code.UNKNOWN_SCHEMA, None)
    answers = await ask(world, Command.REPLAY, first.place, second.place)
    assert [answer.code for answer in answers] == [Code.LETTER_REPLAYED, Code.OK]
    assert await ended(world, "s-again") == (Status.ANSWERED, Code.OK)


async def test_a_withdrawal_refuses_what_is_replayed(mended: Mended) -> None:
    """There was consent when the prompt was sent; there is none when it is replayed."""
    world = mended.world
    await publish_consent(world.running.installation, "acme", "s-withdrawn", "marketing-drafts", Decision.WITHDRAW, "test")
    assert await code_of(world, Command.REPLAY, mended.letters["s-withdrawn"].place) is Code.OK
    assert await ended(world, "s-withdrawn") == (Status.REFUSED, Code.CONSENT_WITHDRAWN)


async def test_nothing_of_an_erased_subject_is_shown_or_replayed(mended: Mended) -> None:
    """The letter came before the erasure; the subject's next prompt comes after it and is answered."""
    world, place = mended.world, mended.letters["s-erased"].place
    await request_right(world.running.installation, "acme", "s-erased", Right.ERASE, PATIENCE_SECONDS)
    assert await code_of(world, Command.REPLAY, place) is Code.SUBJECT_ERASED
    assert (await world.ask(subject="s-erased")).status is Status.ANSWERED
    assert await code_of(world, Command.REPLAY, place) is Code.SUBJECT_ERASED
    assert await code_of(world, Command.SHOW, place) is Code.SUBJECT_ERASED
    assert not await world.records(Topic.RESPONSES, event_id="s-erased")


async def test_a_forged_letter_brings_nothing_in(mended: Mended) -> None:
    """Whoever can write to the topic can seal what they like, and change what a letter says; neither is replayed."""
    world, made = mended.world, mended.installation
    genuine = mended.letters["s-answered"]
    (record,) = await world.records(Topic.DEAD_LETTERS, source_offset=genuine.source.offset, source_partition=genuine.source.partition)
    subjects = (Subject("acme", f"s-forged-{number}") for number in range(1_000))
    subject = next(each for each in subjects if partition_of(each.key(), made.settings.kafka.partitions) == genuine.place.partition)
    key = (world.folder / "keys" / "dead-letters.pub").read_text(encoding="ascii").strip()
    original = Original(subject.key(), mended.value(world.prompt(subject=subject.subject_id, event_id="s-forged"))).to_bytes()
    aad = letter_aad(Topic.PROMPTS, genuine.source.partition, 10**6)
    sealed = DeadLetterSealer.from_text(f"x25519:1:{key}").seal(original, aad)
    forged = [
        record | {"source_offset": 10**6, "sealed": sealed},
        record | {"source_offset": 10**6, "sealed": sealed, "proof": None},
        record | {"lettered_at": record["lettered_at"] + 1},
    ]
    publisher = KafkaPublisher(made.connection(), embedded=made.settings.kafka.embedded)
    await publisher.start()
    schema, partition = made.schemas.latest(Topic.DEAD_LETTERS), genuine.place.partition
    letters = [Publication(made.prefix + Topic.DEAD_LETTERS, partition, None, encode(schema, each)) for each in forged]
    offsets = await publisher.publish(letters, 10)
    await publisher.stop()
    answers = await ask(world, Command.REPLAY, *(Place(partition, offset) for offset in offsets))
    assert [answer.code for answer in answers] == [Code.LETTER_UNPROVEN] * 3
    assert subject.key() not in {record.key async for record in read_all(made.connection(), made.prefix + Topic.PROMPTS)}


async def test_what_is_not_there_and_what_would_be_wrong_is_refused(mended: Mended) -> None:
    """No letter at that place; a letter whose record was ended by its code."""
    world = mended.world
    await world.producer.send(world.prompt(subject="s-conflict", event_id="conflict"))
    await world.producer.send(world.prompt(subject="s-conflict", event_id="conflict", messages=[("user", "other")]))
    await world.wait_for(1, Topic.DEAD_LETTERS, code=Code.CONTENT_CONFLICT.value)
    (conflict,) = [letter for letter in await letters(world) if letter.code == Code.CONTENT_CONFLICT]
    assert conflict.obstacle is Code.LETTER_NOT_REPLAYABLE
    answers = await ask(world, Command.REPLAY, conflict.place, Place(0, 10**9))
    assert [answer.code for answer in answers] == [Code.LETTER_NOT_REPLAYABLE, Code.LETTER_MISSING]
    assert await code_of(world, Command.SHOW, conflict.place) is Code.OK


async def test_consents_go_on_after_one_was_replayed(mended: Mended) -> None:
    """It is dead-lettered again, once. What is known of consents stays up to date: a refusal for want of consent needs that."""
    world = mended.world
    letter = await lettered(world, "s-consents", b"no avro", Topic.CONSENTS)
    assert await code_of(world, Command.REPLAY, letter.place) is Code.OK

    async def look() -> list[Letter] | None:
        found = [each for each in await letters(world) if each.topic == Topic.CONSENTS]
        return found if len(found) > 1 else None

    await until(look)
    assert (await world.ask(subject="s-consents", purpose="marketing-drafts")).code is Code.NO_CONSENT
    await publish_consent(world.running.installation, "acme", "s-consents", "marketing-drafts", Decision.GRANT, "test")
    assert (await world.ask(subject="s-consents", purpose="marketing-drafts")).code is Code.OK
    assert len(await until(look)) == 2


async def command(world: World, *words: str) -> tuple[int, str, str]:
    """What ``streamgate dead-letters`` does and says."""
    kafka = world.running.installation.settings.kafka
    environ = {
        "STREAMGATE_CONFIG": str(world.folder / "streamgate.toml"),
        "STREAMGATE_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "STREAMGATE_KAFKA__PREFIX": kafka.prefix,
        "STREAMGATE_KAFKA__PARTITIONS": str(kafka.partitions),
        "STREAMGATE_KAFKA__EMBEDDED": str(kafka.embedded).lower(),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from streamgate.cli import main; main()", "dead-letters", *words),
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_lists_shows_and_replays(mended: Mended) -> None:
    """What an operator types, and what the exit status says: 0 done, 2 wrongly asked, 3 refused, 4 no answer."""
    world = mended.world
    letter = await lettered(world, "s-command", "kein Avro, Jürgen\x9b".encode())
    place, who = str(letter.place), ("--operator", "jdoe", "--reason", "INC-4711")
    status, out, _ = await command(world, "list", "--json", "--code", "not_avro", "--since", "1h")
    (line,) = [json.loads(line) for line in out.splitlines() if json.loads(line)["letter"] == place]
    assert (status, line["topic"], line["replay"], line["bytes"]) == (0, "prompts", "possible", letter.size_bytes)
    status, out, _ = await command(world, "list")
    assert (status, place in out, "s-command" in out) == (0, True, False)
    status, out, err = await command(world, "show", place, *who)
    assert (status, out, "--reveal" in err) == (2, "", True)
    status, out, _ = await command(world, "show", place, "--reveal", *who)
    assert (status, json.loads(out)["value"], "\x9b" in out) == (0, "kein Avro, Jürgen\x9b", False)
    assert await command(world, "replay", place, *who) == (0, f"{place} replayed\n", "")
    status, out, err = await command(world, "replay", place, *who)
    assert (status, out, "letter_replayed" in err) == (3, "", True)
    status, out, err = await command(world, "show", place, "--operator", "jdoe", "--reason", "mail of jane.doe@example.com")
    assert (status, out, "personal data" in err, "jane" in err) == (2, "", True, False)
    status, out, err = await command(world, "replay", "--all", "--topic", "subject-requests", *who)
    assert (status, out, "no dead letter" in err) == (0, "", True)


async def test_without_vault_there_is_no_answer_and_nothing_happens_later(mended: Mended) -> None:
    """The operator learns that nobody answers; when vault is back it does not do what nobody waits for any more."""
    world = mended.world
    letter = await lettered(world, "s-late", b"no avro")
    assert (letter.code, letter.obstacle) == (Code.NOT_AVRO, None)
    await world.vault.stop()
    (unanswered,) = await ask(world, Command.REPLAY, letter.place, wait_seconds=1.5)
    assert unanswered == Answer(letter.place, None)
    status, _, err = await command(
        world, "show", str(letter.place), "--reveal", "--operator", "jdoe", "--reason", "x-1", "--wait-seconds", "1"
    )
    assert (status, "is a vault worker running?" in err) == (4, True)
    await world.restart_vault(mended.installation)
    await world.wait_for(2, Topic.AUDIT_EVENTS, letter=str(letter.place))
    assert await audited(world, letter.place) == [("letter_refused", "operator_request_late")]
    assert not [each for each in await letters(world) if each.place.partition == letter.place.partition and each.place > letter.place]

"""From 4 to 6 partitions on real Kafka: refused while anything is under way, killed in the middle, and then everything as it was."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from streamgate.adapters.kafka_topics import LAST, KafkaTopics
from streamgate.bootstrap import Decision, Installation, Right, apply_topics, publish_consent, request_right, verify_audit
from streamgate.bootstrap._partition_count import partitioned
from streamgate.client import Prompt, PromptProducer, Response
from streamgate.demo._provider import SimulatedProvider
from streamgate.errors import Code, ConfigError
from streamgate.pipeline._home import home_of_subject
from streamgate.types import Role, Subject, Topic
from tests.e2e.world import until
from tests.fault.roles import Roles, audited, records, responses
from tests.fixtures_kafka import Broker

BEFORE, AFTER = 4, 6
PARTITIONS = "STREAMGATE_KAFKA__PARTITIONS"
PATIENCE_SECONDS = 60.0
SUBJECTS = [f"s-{number}" for number in range(20)]
pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]


def moves(subject: str) -> bool:
    home = home_of_subject(Subject("acme", subject))
    return home % BEFORE != home % AFTER


MOVING, STAYING = [s for s in SUBJECTS if moves(s)], [s for s in SUBJECTS if not moves(s)]
GRANTED, WITHDRAWN, WITHDRAWN_BY_WHO_STAYS = MOVING[0], MOVING[1], STAYING[0]
ERASED, ERASED_WHO_STAYS = MOVING[2], STAYING[1]
LIVING = [s for s in SUBJECTS if s not in {ERASED, ERASED_WHO_STAYS}]


def prompt(subject: str, event: str, purpose: str = "support") -> Prompt:
    text = f"My name is Maria Gonzalez, mail {subject}@example.com"
    return Prompt(tenant="acme", subject=subject, purpose=purpose, messages=[("user", text)], event_id=event)


@dataclass
class Shop:
    """An installation, its roles and a provider that counts."""

    roles: Roles
    made: Installation
    provider: SimulatedProvider

    def command(self, *words: str, main: str = "from streamgate.cli import main; main()") -> subprocess.CompletedProcess[str]:
        """A command with vault's key at hand."""
        env = {**os.environ, **self.roles.common, **self.roles.own[Role.VAULT]}
        return subprocess.run([sys.executable, "-c", main, *words], env=env, capture_output=True, text=True, timeout=120, check=False)

    def repartition(self, to: int, *words: str) -> subprocess.CompletedProcess[str]:
        return self.command("topics", "repartition", "--to", str(to), *words)

    def killed_at(self, line: str) -> subprocess.CompletedProcess[str]:
        return self.command(str(AFTER), line, main="import tests.fault.repartition_main")

    async def counts(self) -> dict[str, int]:
        async with KafkaTopics(self.made.connection()) as topics:
            return await topics.counts(partitioned(self.made))

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[PromptProducer]:
        options = self.made.connection().client_options()
        async with PromptProducer(options.pop("bootstrap_servers"), tenant="acme", prefix=self.made.prefix, **options) as producer:
            yield producer

    async def ask(self, *prompts: Prompt) -> list[Response]:
        async with self.asking() as producer:
            return await asyncio.gather(*(producer.exchange(each, timeout_seconds=PATIENCE_SECONDS) for each in prompts))

    async def stop(self) -> None:
        """Once everything is in the audit log."""

        async def whole() -> int | None:
            return await audited(self.made)

        for role in (Role.EGRESS, Role.VAULT):
            self.roles.stop(role)
        await until(whole)
        self.roles.stop(Role.NOTARY)

    def start(self) -> None:
        for role in Role:
            self.roles.start(role)

    def refused(self, run: subprocess.CompletedProcess[str], code: Code, *more: str) -> None:
        assert run.returncode == 3, run.stderr
        assert all(each in run.stderr for each in (code.value, *more)), run.stderr


@asynccontextmanager
async def shop(kafka: Broker, prefix: str, folder: Path) -> AsyncIterator[Shop]:
    async with SimulatedProvider(0.01) as provider:
        roles = Roles(folder, kafka.bootstrap, prefix, provider.base_url)
        roles.common[PARTITIONS] = str(BEFORE)
        roles.own[Role.VAULT]["STREAMGATE_RUNTIME__STATE_DIRECTORY"] = str(folder / "state")
        made = roles.installation()
        await apply_topics(made)
        try:
            yield Shop(roles, made, provider)
        finally:
            for process in roles.running.values():
                process.kill()
                process.wait()


async def served(it: Shop) -> None:
    """Prompts of everybody, consents, two erasures."""
    answered = await it.ask(*(prompt(subject, f"first-{subject}") for subject in SUBJECTS))
    assert {response.code for response in answered} == {Code.OK}
    for subject in (GRANTED, WITHDRAWN, WITHDRAWN_BY_WHO_STAYS):
        await publish_consent(it.made, "acme", subject, "marketing-drafts", Decision.GRANT, "test")
    granted = await it.ask(*(prompt(s, f"draft-{s}", "marketing-drafts") for s in (GRANTED, WITHDRAWN, WITHDRAWN_BY_WHO_STAYS)))
    assert {response.code for response in granted} == {Code.OK}
    for subject in (WITHDRAWN, WITHDRAWN_BY_WHO_STAYS):
        await publish_consent(it.made, "acme", subject, "marketing-drafts", Decision.WITHDRAW, "test")
    for subject in (ERASED, ERASED_WHO_STAYS):
        receipt = json.loads(await request_right(it.made, "acme", subject, Right.ERASE, PATIENCE_SECONDS))
        assert receipt["destroyed"]["keys"] == 1


async def refused_until_drained(it: Shop) -> None:
    """Neither with workers nor with something to read."""
    it.refused(it.repartition(AFTER, "--yes"), Code.WORKERS_RUNNING, f"{it.made.prefix}vault")
    await it.stop()
    async with it.asking() as producer:
        await producer.send(prompt(STAYING[2], "undrained"))
    it.refused(it.repartition(AFTER, "--yes"), Code.NOT_DRAINED, f"1 records of {it.made.prefix}prompts")
    it.start()
    await until(lambda: _has_response(it, "undrained"))
    await it.stop()
    it.refused(it.repartition(3, "--yes"), Code.PARTITIONS_FEWER)
    said = it.repartition(AFTER)
    assert (said.returncode, "nothing was changed" in said.stdout) == (0, True), said.stderr
    assert set((await it.counts()).values()) == {BEFORE}


async def _has_response(it: Shop, event: str) -> bool | None:
    return event in await responses(it.made) or None


async def killed_and_carried_on(it: Shop) -> None:
    """Killed when the topics have grown and after each partition; no worker starts before the end, whatever its settings say."""
    for line in ("every topic but", *(f"partition {number}" for number in range(BEFORE))):
        assert it.killed_at(line).returncode == -9
        counts = await it.counts()
        assert counts.pop(it.made.prefix + LAST) == BEFORE
        assert set(counts.values()) == {AFTER}
    it.refused(it.repartition(8, "--yes"), Code.REPARTITION_UNFINISHED, "from 4 to 6")
    for count in (BEFORE, AFTER):
        it.roles.common[PARTITIONS] = str(count)
        it.refused(it.command("worker", "--role", "vault"), Code.REPARTITION_UNFINISHED)
    done = it.repartition(AFTER, "--yes")
    assert (done.returncode, f"kafka.partitions = {AFTER}" in done.stdout) == (0, True), done.stderr
    assert set((await it.counts()).values()) == {AFTER}
    assert "already" in it.repartition(AFTER, "--yes").stdout
    it.roles.common[PARTITIONS] = str(BEFORE)
    wrong = it.command("worker", "--role", "vault")
    assert (wrong.returncode, f"kafka.partitions = {AFTER}" in wrong.stderr) == (2, True), wrong.stderr
    with pytest.raises(ConfigError, match="partitions"):
        await publish_consent(it.made, "acme", GRANTED, None, Decision.WITHDRAW, "test")
    it.roles.common[PARTITIONS] = str(AFTER)
    it.made = it.roles.installation()


async def as_it_was(it: Shop) -> None:
    """Copies cost no call, what was withdrawn and erased stays so, and everybody is served."""
    before, calls, letters = await responses(it.made), len(it.provider.received), len(await records(it.made, Topic.DEAD_LETTERS))
    it.start()
    async with it.asking() as producer:
        for subject in LIVING:
            await producer.send(prompt(subject, f"first-{subject}"))

    async def repeated() -> dict[str, list[bytes]] | None:
        found = await responses(it.made)
        return found if all(len(found[f"first-{subject}"]) == 2 for subject in LIVING) else None

    found = await until(repeated)
    assert all(found[f"first-{subject}"] == before[f"first-{subject}"] * 2 for subject in LIVING)
    assert len(it.provider.received) == calls
    (granted,) = await it.ask(prompt(GRANTED, "still", "marketing-drafts"))
    withdrawn = await it.ask(*(prompt(s, "still", "marketing-drafts") for s in (WITHDRAWN, WITHDRAWN_BY_WHO_STAYS)))
    assert [granted.code, *(each.code for each in withdrawn)] == [Code.OK, Code.CONSENT_WITHDRAWN, Code.CONSENT_WITHDRAWN]
    for subject in (ERASED, ERASED_WHO_STAYS):
        export = json.loads(await request_right(it.made, "acme", subject, Right.EXPORT, PATIENCE_SECONDS))
        assert (export["enrolment"]["standing"], export["keys_held"], export["uses"]) == ("erased", 0, [])
    answered = await it.ask(*(prompt(subject, f"second-{subject}") for subject in SUBJECTS))
    assert {response.code for response in answered} == {Code.OK}
    assert len(it.provider.received) == calls + 1 + len(SUBJECTS)
    export = json.loads(await request_right(it.made, "acme", ERASED, Right.EXPORT, PATIENCE_SECONDS))
    assert (export["enrolment"]["incarnation"], export["keys_held"], len(export["uses"])) == (2, 1, 1)
    await publish_consent(it.made, "acme", GRANTED, "marketing-drafts", Decision.WITHDRAW, "test")
    (refused,) = await it.ask(prompt(GRANTED, "no more", "marketing-drafts"))
    assert refused.code is Code.CONSENT_WITHDRAWN
    assert len(await records(it.made, Topic.DEAD_LETTERS)) == letters
    await it.stop()


async def test_everything_is_as_it_was_with_more_partitions(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Answers, consents, erasures and the audit log survive it, with the command killed five times on the way."""
    async with shop(kafka, prefix, tmp_path) as it:
        it.start()
        await served(it)
        await refused_until_drained(it)
        checkpoint = tmp_path / "checkpoint"
        key = [tmp_path / "keys" / "notary.pub.pem"]
        await verify_audit(it.made, key, None, checkpoint)
        await killed_and_carried_on(it)
        await as_it_was(it)
        reports = await verify_audit(it.made, key, checkpoint, None)
        assert [report.first_break for report in reports.values()] == [None] * AFTER
        assert all(report.entries for report in reports.values())
        assert [each.name for each in (tmp_path / "state" / "vault").iterdir()] == [f"{AFTER}-partitions"]

"""Kill -9 of each role in the middle of 300 prompts, on real Kafka: every prompt has its one answer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from streamgate.adapters.kafka_head import read_all
from streamgate.bootstrap import Installation, apply_topics, create_keys, load, verify_audit
from streamgate.client import Prompt, PromptProducer
from streamgate.config import init
from streamgate.demo._provider import SimulatedProvider
from streamgate.types import Role, Topic
from tests.fixtures_kafka import Broker

PROMPTS = 300
PATIENCE_SECONDS = 150.0
pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]


class Roles:
    """The three roles, each a process of its own."""

    def __init__(self, folder: Path, kafka: str, prefix: str, base_url: str) -> None:
        init(folder)
        create_keys(folder)
        self.folder = folder
        self.common = {
            "STREAMGATE_CONFIG": str(folder / "streamgate.toml"),
            "STREAMGATE_KAFKA__BOOTSTRAP": kafka,
            "STREAMGATE_KAFKA__PREFIX": prefix,
            "STREAMGATE_KAFKA__PARTITIONS": "3",
            "STREAMGATE_KAFKA__REPLICATION_FACTOR": "1",
            "STREAMGATE_DEAD_LETTERS__PUBLIC_KEY_FILE": str(folder / "keys" / "dead-letters.pub"),
            "STREAMGATE_TELEMETRY__METRICS_PORT": "0",
        }
        self.own = {
            Role.VAULT: {"STREAMGATE_VAULT__KEY_FILE": str(folder / "keys" / "vault.json"), "STREAMGATE_VAULT__DETECTOR_WORKERS": "1"},
            Role.EGRESS: {"STREAMGATE_EGRESS__BASE_URL": base_url},
            Role.NOTARY: {"STREAMGATE_NOTARY__SIGNING_KEY_FILE": str(folder / "keys" / "notary.pem")},
        }
        self.running: dict[Role, subprocess.Popen[bytes]] = {}

    def installation(self) -> Installation:
        """Settings as every process sees them."""
        return load(None, self.common)

    def start(self, role: Role) -> None:
        """Start one role."""
        with (self.folder / f"{role}.log").open("ab") as log:
            self.running[role] = subprocess.Popen(
                [sys.executable, "-c", "from streamgate.cli import main; main()", "worker", "--role", role.value],
                env={**os.environ, **self.common, **self.own[role]},
                stdout=log,
                stderr=log,
            )

    def kill(self, role: Role) -> None:
        """Kill -9 one role, and only it."""
        self.running[role].kill()
        self.running[role].wait()


@contextmanager
def started(roles: Roles) -> Iterator[Roles]:
    """All three roles, stopped at the end."""
    try:
        for role in Role:
            roles.start(role)
        yield roles
    finally:
        for process in roles.running.values():
            process.terminate()
        for process in roles.running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@asynccontextmanager
async def world(folder: Path, kafka: str, prefix: str) -> AsyncIterator[tuple[Roles, Installation]]:
    """A provider, topics, and the three roles."""
    async with SimulatedProvider(0.05) as provider:
        roles = Roles(folder, kafka, prefix, provider.base_url)
        made = roles.installation()
        await apply_topics(made)
        with started(roles):
            yield roles, made


async def responses(made: Installation) -> dict[str, list[bytes]]:
    """The bytes of every response so far, by event id."""
    decoder = made.decoder()
    found: dict[str, list[bytes]] = {}
    async for message in read_all(made.connection(), made.prefix + Topic.RESPONSES):
        record = (await decoder.decode(Topic.RESPONSES, message.value)).record
        found.setdefault(record["event_id"], []).append(message.value or b"")
    return found


async def until(made: Installation, enough: Callable[[dict[str, list[bytes]]], bool]) -> dict[str, list[bytes]]:
    """Responses, as soon as there are enough of them, or as they are when patience ends."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = await responses(made)
        if enough(found) or time.monotonic() > give_up:
            return found
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("victim", list(Role))
async def test_every_prompt_is_answered_when_a_role_is_killed(victim: Role, kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """300 prompts, one role killed with -9 in the middle and started again: 300 answers, copies identical, the audit chain whole."""
    async with world(tmp_path, kafka.bootstrap, prefix) as (roles, made):
        options = made.connection().client_options()
        prompts = [
            Prompt(
                tenant="acme",
                subject=f"s-{number % 40}",
                purpose="support",
                messages=[("user", f"My name is Maria Gonzalez, mail maria{number}@example.com")],
                event_id=f"event-{number}",
                deadline_ms=time.time_ns() // 1_000_000 + 140_000,
            )
            for number in range(PROMPTS)
        ]
        async with PromptProducer(options.pop("bootstrap_servers"), tenant="acme", prefix=prefix, **options) as producer:
            await asyncio.gather(*(producer.send(prompt) for prompt in prompts))
        await until(made, lambda found: len(found) >= PROMPTS // 4)
        roles.kill(victim)
        killed = time.monotonic()
        roles.start(victim)
        found = await until(made, lambda found: len(found) >= PROMPTS)
        took = time.monotonic() - killed
        copies = sum(len(each) - 1 for each in found.values())
        missing = {prompt.event_id for prompt in prompts} - set(found)
        print(  # noqa: T201  figures for whoever runs this with -s
            f"\n{victim}: {len(found)} answered, {copies} copies, all there {took:.1f} s after the kill"
        )
        assert not missing
        assert all(len(set(each)) == 1 for each in found.values())
        texts = [each[0] for each in found.values()]
        assert all(b"Maria Gonzalez" in text for text in texts)
        reports = await verify_audit(made, [tmp_path / "keys" / "notary.pub.pem"], None, None)
        assert [report.first_break for report in reports.values()] == [None, None, None]

"""Egress killed with -9 while its batches are under way, on real Kafka: every prompt is answered once, and no file is left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from streamgate.bootstrap import apply_topics
from streamgate.client import Prompt, PromptProducer
from streamgate.demo._provider import SimulatedProvider
from streamgate.demo._provider_batches import Desk
from streamgate.types import Role
from tests.e2e.world import until
from tests.fault.roles import Roles, responses, started
from tests.fixtures_kafka import Broker

PROMPTS = 30
POINTS = [
    ("upload", "after"),
    ("create", "late"),
    ("upload", "stop"),
    ("upload", "before"),
    ("create", "before"),
    ("create", "after"),
    ("content", "after"),
    ("delete", "after"),
]
"""The first three are the worst; the others, half a minute each, with STREAMGATE_TEST_EVERY_POINT=1."""
pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(240)]


class KillingDesk(Desk):
    """Kills the worker that asks for one thing, before or after it is done; once."""

    kill: Callable[[], None]
    at = ("", "")
    killed = 0

    async def _around(self, what: str, handle: Callable[[web.Request], Awaitable[web.Response]], request: web.Request) -> web.Response:

        here = self.at[0] == what and not self.killed
        if here:
            self.killed += 1
        if here and self.at[1] == "before":
            self.kill()
            return web.Response(status=500)
        if here and self.at[1] == "late":
            self.kill()
            await until(self._somebody_else, 60)
        response = await handle(request)
        if here and self.at[1] in {"after", "stop"}:
            self.kill()
        return response

    async def _somebody_else(self) -> bool | None:
        """The next worker has come by."""
        return bool(self.listings) or None

    listings = 0

    async def upload(self, request: web.Request) -> web.Response:
        return await self._around("upload", super().upload, request)

    async def create(self, request: web.Request) -> web.Response:
        return await self._around("create", super().create, request)

    async def content(self, request: web.Request) -> web.Response:
        return await self._around("content", super().content, request)

    async def delete(self, request: web.Request) -> web.Response:
        return await self._around("delete", super().delete, request)

    async def list_batches(self, request: web.Request) -> web.Response:
        self.listings += 1
        return await super().list_batches(request)

    async def list_files(self, request: web.Request) -> web.Response:
        self.listings += 1
        return await super().list_files(request)


class KillingProvider(SimulatedProvider):
    """A simulated provider with such a desk."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.desk = self.killing = KillingDesk(self._answered)


def allow_batches(folder: Path) -> None:
    """As an operator would."""
    policy = folder / "policy.toml"
    policy.write_text(policy.read_text().replace("[purposes.hr]\n", "[purposes.hr]\nbatch = true\n"))


@pytest.mark.parametrize(("what", "when"), POINTS if os.environ.get("STREAMGATE_TEST_EVERY_POINT") == "1" else POINTS[:3])
async def test_every_prompt_is_answered_once_when_egress_is_killed(
    what: str, when: str, kafka: Broker, prefix: str, tmp_path: Path
) -> None:
    """At each step: another worker finds what was made, adopts it or clears it away; nothing is run twice."""
    async with KillingProvider() as provider:
        roles = Roles(tmp_path, kafka.bootstrap, prefix, provider.base_url)
        allow_batches(tmp_path)
        roles.own[Role.EGRESS] |= {
            "STREAMGATE_EGRESS__BATCH__LONGEST_WAIT_SECONDS": "2",
            "STREAMGATE_EGRESS__BATCH__POLL_SECONDS": "0.5",
        }
        made = roles.installation()
        await apply_topics(made)
        desk = provider.killing
        desk.at = what, when

        stopped: list[subprocess.Popen[bytes]] = []

        def kill() -> None:
            if when == "stop":
                stopped.append(roles.running[Role.EGRESS])
                stopped[0].send_signal(signal.SIGSTOP)
            else:
                roles.kill(Role.EGRESS)
            roles.start(Role.EGRESS)

        desk.kill = kill

        async def answered() -> dict[str, list[bytes]] | None:
            found = await responses(made)
            return found if len(found) == PROMPTS else None

        async def none_left() -> bool | None:
            return (not desk.files) or None

        with started(roles):
            options = made.connection().client_options()
            async with PromptProducer(options.pop("bootstrap_servers"), tenant="acme", prefix=prefix, **options) as producer:
                await asyncio.gather(*(producer.send(prompt(number)) for number in range(PROMPTS)))
            begun = time.monotonic()
            found = await until(answered, 120)
            took = time.monotonic() - begun
            await until(none_left, 60)
            batches = len(desk.batches)
            await awake(stopped)
            found = await responses(made)
        runs = Counter(desk.ran)
        print(f"\n{what} {when}: all answered after {took:.1f} s, {len(desk.batches)} batches, {len(desk.deleted)} files deleted")  # noqa: T201
        assert desk.killed == 1
        assert len(desk.batches) == batches
        assert [len(each) for each in found.values()] == [1] * PROMPTS
        assert all(b"Maria Gonzalez" in each[0] for each in found.values())
        assert len(runs) == PROMPTS
        assert set(runs.values()) == {1}


async def awake(stopped: list[subprocess.Popen[bytes]]) -> None:
    """A worker that was stopped wakes up and has time to go on with what it had begun; then it ends."""
    for process in stopped:
        process.send_signal(signal.SIGCONT)

        async def ended(process: subprocess.Popen[bytes] = process) -> int | None:
            return process.poll()

        with suppress(TimeoutError):  # it need not end by itself
            await until(ended, 15)
        process.kill()
        process.wait()


def prompt(number: int) -> Prompt:
    """One marked prompt."""
    text = f"My name is Maria Gonzalez, mail maria{number}@example.com"
    return Prompt(tenant="acme", subject=f"s-{number % 9}", purpose="hr", messages=[("user", text)], event_id=f"event-{number}", batch=True)

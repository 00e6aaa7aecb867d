"""Three roles in this process on a broker, before a simulated provider; one installation for a whole module of tests."""

from __future__ import annotations

import asyncio
import io
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from streamgate.adapters.detector_pool import DetectorPool
from streamgate.adapters.kafka_head import read_all
from streamgate.audit import Report
from streamgate.bootstrap import Installation, Worker, build_worker, verify_audit
from streamgate.client import Prompt, PromptProducer, Response
from streamgate.demo._inspect import decoded
from streamgate.demo._workers import Running, installation, workers
from streamgate.types import Role, Topic
from tests.e2e.held_provider import HeldProvider
from tests.fixtures_kafka import Broker

PATIENCE_SECONDS = 45.0
TEXT = "My name is Maria Gonzalez, write to maria.g@example.com."
T = TypeVar("T")
TOKEN = re.compile(rb"\[EMAIL_[a-z2-7]{8}")


async def until(look: Callable[[], Awaitable[T | None]], seconds: float = PATIENCE_SECONDS) -> T:
    """What ``look`` finds, as soon as it finds something; ``TimeoutError`` when it never does."""
    async with asyncio.timeout(seconds):
        while True:
            found = await look()
            if found is not None:
                return found
            await asyncio.sleep(0.2)


@dataclass
class World:
    """Everything that is up, and how to ask."""

    running: Running
    provider: HeldProvider
    producer: PromptProducer
    folder: Path
    egress: Worker

    def prompt(self, **changes: Any) -> Prompt:
        """One good prompt, with changes."""
        fields: dict[str, Any] = {"tenant": "acme", "subject": "s-1", "purpose": "support", "messages": [("user", TEXT)]} | changes
        return Prompt(**fields)

    async def ask(self, **changes: Any) -> Response:
        """One prompt, with changes, and its response."""
        return await self.producer.exchange(self.prompt(**changes), timeout_seconds=PATIENCE_SECONDS)

    async def records(self, topic: Topic, **fields: Any) -> list[dict[str, Any]]:
        """Records of a topic with these fields."""
        found = await decoded(self.running.installation, topic)
        return [record for record in found if all(record[name] == value for name, value in fields.items())]

    async def wait_for(self, count: int, topic: Topic, **fields: Any) -> list[dict[str, Any]]:
        """Like ``records``, as soon as there are as many."""

        async def look() -> list[dict[str, Any]] | None:
            found = await self.records(topic, **fields)
            return found if len(found) >= count else None

        return await until(look)

    async def reaches_provider(self, before: int) -> None:
        """Until the provider has got more calls than before."""

        async def look() -> bool | None:
            return len(self.provider.received) > before or None

        await until(look)

    def email_tokens(self, call: int = -1) -> set[bytes]:
        """Tokens for e-mail addresses in one call as the provider received it."""
        return set(TOKEN.findall(self.provider.received[call]))

    async def audit(self) -> dict[int, Report]:
        """What the verifier says, once every audit event has its entry."""
        made = self.running.installation

        async def look() -> dict[int, Report] | None:
            reports = await verify_audit(made, [self.folder / "keys" / "notary.pub.pem"], None, None)
            events = [event async for event in read_all(made.connection(), made.prefix + Topic.AUDIT_EVENTS)]
            broken = any(not report.intact for report in reports.values())
            return dict(reports) if broken or sum(report.entries for report in reports.values()) == len(events) else None

        return await until(look)

    async def restart_egress(self) -> None:
        """A new egress worker in place of one that was stopped."""
        self.egress = build_worker(Role.EGRESS, self.running.installation)
        await self.egress.start()

        async def look() -> bool | None:
            return self.egress.readiness().ready or None

        await until(look)


@asynccontextmanager
async def world_on(
    broker: Broker, folder: Path, changed: Callable[[Installation], Installation] = lambda made: made
) -> AsyncIterator[World]:
    """The detector first: its processes are forked before any key is in memory. ``changed`` may change settings and policy."""
    pool = DetectorPool(workers=1)
    await pool.start()
    try:
        async with HeldProvider() as provider:
            made = installation(
                folder,
                bootstrap=broker.bootstrap,
                prefix=f"t{uuid.uuid4().hex[:8]}.",
                embedded=broker.embedded,
                replication=1,
                base_url=provider.base_url,
                api_key=None,
            )
            made = changed(made)
            options = made.connection().client_options()
            producer = PromptProducer(
                options.pop("bootstrap_servers"), tenant="acme", prefix=made.prefix, idempotent=not broker.embedded, **options
            )
            async with workers(made, pool, pool, io.StringIO(), "info") as running, producer:
                world = World(running, provider, producer, folder, running.egress)
                try:
                    yield world
                finally:
                    provider.gate.set()
                    if world.egress is not running.egress:
                        await world.egress.stop()
    finally:
        await pool.stop()

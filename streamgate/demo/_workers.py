"""The demo's installation: settings and keys in a temporary folder, three roles in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from streamgate.adapters.detector_pool import DetectorPool
from streamgate.adapters.health import HealthServer
from streamgate.adapters.kafka_topics import KafkaTopics
from streamgate.adapters.log import configure
from streamgate.bootstrap import Installation, Worker, build_worker, create_keys, load, telemetry_of
from streamgate.config import init
from streamgate.detect import Detector, Span
from streamgate.errors import Code, Unavailable
from streamgate.types import Role

PARTITIONS = 3
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Blind:
    """A detector that finds nothing: what the demo's own test puts in to see whether the search would notice."""

    inner: Detector

    @property
    def version(self) -> str:
        """Says what it is."""
        return "blind"

    async def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """Nothing in any text."""
        return [() for _ in texts]


def installation(
    folder: Path, *, bootstrap: str, prefix: str, embedded: bool, replication: int, base_url: str | None, api_key: str | None
) -> Installation:
    """Settings, policy and keys as ``streamgate init`` writes them, pointed at the demo's broker and provider."""
    init(folder, force=True)
    create_keys(folder)
    environ = {
        "STREAMGATE_KAFKA__BOOTSTRAP": bootstrap,
        "STREAMGATE_KAFKA__PREFIX": prefix,
        "STREAMGATE_KAFKA__PARTITIONS": str(PARTITIONS),
        "STREAMGATE_KAFKA__REPLICATION_FACTOR": str(replication),
        "STREAMGATE_KAFKA__EMBEDDED": "true" if embedded else "false",
        "STREAMGATE_VAULT__KEY_FILE": str(folder / "keys" / "vault.json"),
        "STREAMGATE_VAULT__DETECTOR_WORKERS": "2",
        "STREAMGATE_NOTARY__SIGNING_KEY_FILE": str(folder / "keys" / "notary.pem"),
        "STREAMGATE_DEAD_LETTERS__PUBLIC_KEY_FILE": str(folder / "keys" / "dead-letters.pub"),
        "STREAMGATE_TELEMETRY__METRICS_PORT": "0",
    }
    if base_url is not None:
        environ["STREAMGATE_EGRESS__BASE_URL"] = base_url
    if api_key is not None:
        environ["STREAMGATE_EGRESS__API_KEY"] = api_key
    return load(folder / "streamgate.toml", environ)


@dataclass(frozen=True, slots=True)
class Running:
    """Everything that is up."""

    installation: Installation
    vault: Worker
    egress: Worker
    notary: Worker
    health: HealthServer

    def metrics(self) -> bytes:
        """The metrics page as it is now."""
        return self.vault.prometheus.render()


@asynccontextmanager
async def workers(made: Installation, detector: Detector, pool: DetectorPool, log: TextIO, log_level: str) -> AsyncIterator[Running]:
    """Create the topics, start the three roles, and undo both at the end."""
    configure("json", log_level, log)
    plan = made.topics()
    async with KafkaTopics(made.connection()) as topics:
        await topics.apply(plan)
    telemetry = telemetry_of(made)
    vault, egress, notary = (
        build_worker(role, made, detector if role is Role.VAULT else None, telemetry) for role in (Role.VAULT, Role.EGRESS, Role.NOTARY)
    )
    running = Running(made, vault, egress, notary, HealthServer(telemetry[0].render, vault.readiness))
    try:
        await running.health.start()
        await asyncio.gather(vault.start(), egress.start(), notary.start(), pool.wait_ready())
        await _all_ready((vault, egress, notary))
        yield running
    finally:
        await asyncio.gather(*(worker.stop() for worker in (vault, egress, notary)), return_exceptions=True)
        await running.health.stop()
        async with KafkaTopics(made.connection()) as topics:
            await topics.delete(topic.name for topic in plan)


async def _all_ready(started: Sequence[Worker]) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS):
            for worker in started:
                while not worker.readiness().ready:  # noqa: ASYNC110  readiness is a state to look at, not an event
                    await asyncio.sleep(0.05)
    except TimeoutError:
        raise Unavailable(Code.INTERNAL_ERROR, "demo: the workers did not become ready") from None

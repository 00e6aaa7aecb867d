"""The three roles as processes of their own, to be killed, and a look at what they have published."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamgate.adapters.kafka_head import read_all
from streamgate.bootstrap import Installation, create_keys, load
from streamgate.config import init
from streamgate.types import Inbound, Role, Topic


class Roles:
    """The three roles, each a process of its own."""

    def __init__(self, folder: Path, kafka: str, prefix: str, base_url: str, **settings: str) -> None:
        """``settings`` are environment variables of every role, without their prefix."""
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
        } | {f"STREAMGATE_{name}": value for name, value in settings.items()}
        self.own = {
            Role.VAULT: {"STREAMGATE_VAULT__KEY_FILE": str(folder / "keys" / "vault.json"), "STREAMGATE_VAULT__DETECTOR_WORKERS": "1"},
            Role.EGRESS: {"STREAMGATE_EGRESS__BASE_URL": base_url},
            Role.NOTARY: {"STREAMGATE_NOTARY__SIGNING_KEY_FILE": str(folder / "keys" / "notary.pem")},
        }
        self.running: dict[tuple[Role, int], subprocess.Popen[bytes]] = {}

    def installation(self) -> Installation:
        """Settings as every process sees them."""
        return load(None, self.common)

    def start(self, role: Role, number: int = 0, **more: str) -> None:
        """Start a worker of a role, with more settings."""
        with (self.folder / f"{role}.log").open("ab") as log:
            self.running[role, number] = subprocess.Popen(
                [sys.executable, "-c", "from streamgate.cli import main; main()", "worker", "--role", role.value],
                env={**os.environ, **self.common, **self.own[role], **more},
                stdout=log,
                stderr=log,
            )

    def stop(self, role: Role, number: int = 0) -> None:
        """SIGTERM, so that it drains and leaves its group."""
        self.running[role, number].terminate()
        self.running[role, number].wait(30)

    def kill(self, role: Role, number: int = 0) -> None:
        """Kill -9 one worker, and only it."""
        self.running[role, number].kill()
        self.running[role, number].wait()


async def records(made: Installation, topic: Topic) -> list[Inbound]:
    """Every record of a topic, as it is."""
    return [message async for message in read_all(made.connection(), made.prefix + topic)]


@contextmanager
def started(roles: Roles, *those: Role) -> Iterator[Roles]:
    """These roles, or all three; every worker that was started is stopped at the end."""
    try:
        for role in those or Role:
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


async def responses(made: Installation) -> dict[str, list[bytes]]:
    """The bytes of every response so far, by event id."""
    decoder = made.decoder()
    found: dict[str, list[bytes]] = {}
    for message in await records(made, Topic.RESPONSES):
        record = (await decoder.decode(Topic.RESPONSES, message.value)).record
        found.setdefault(record["event_id"], []).append(message.value or b"")
    return found


async def audited(made: Installation) -> int | None:
    """How many entries the audit log has, once there is one for every audit event."""
    events = len(await records(made, Topic.AUDIT_EVENTS))
    decoder = made.decoder()
    links = [(message.partition, (await decoder.decode(Topic.AUDIT, message.value)).record) for message in await records(made, Topic.AUDIT)]
    entries = {(partition, link["source_offset"]) for partition, link in links}
    return len(entries) if len(entries) == events else None

"""The workers of a run: processes started here, signalled by their id, and started again when they end by themselves."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from streamgate.bootstrap import Installation, create_keys, load
from streamgate.config import init
from streamgate.demo.soak._options import PARTITIONS, SoakOptions
from streamgate.types import Role

_TERM_SECONDS: Final = 30.0
_BACKOFF_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.5
CALL_TIMEOUT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, repr=False)
class Place:
    """Settings of one run, as the environment of a process."""

    folder: Path
    common: Mapping[str, str]
    own: Mapping[Role, Mapping[str, str]]

    @classmethod
    def made(cls, folder: Path, prefix: str, base_url: str, options: SoakOptions) -> Self:
        """Settings, policy and keys in ``folder``."""
        init(folder, force=True)
        create_keys(folder)
        keys, limit = folder / "keys", options.limit
        budget = {"requests_per_minute": limit.requests, "tokens_per_minute": limit.tokens}
        common = {
            "STREAMGATE_CONFIG": str(folder / "streamgate.toml"),
            "STREAMGATE_KAFKA__PREFIX": prefix,
            "STREAMGATE_KAFKA__PARTITIONS": str(PARTITIONS),
            "STREAMGATE_KAFKA__REPLICATION_FACTOR": "1",
            "STREAMGATE_DEAD_LETTERS__PUBLIC_KEY_FILE": str(keys / "dead-letters.pub"),
            "STREAMGATE_TELEMETRY__METRICS_PORT": "0",
        }
        own = {
            Role.VAULT: {"STREAMGATE_VAULT__KEY_FILE": str(keys / "vault.json"), "STREAMGATE_VAULT__DETECTOR_WORKERS": "1"},
            Role.EGRESS: {
                "STREAMGATE_EGRESS__BASE_URL": base_url,
                "STREAMGATE_EGRESS__BUDGETS": json.dumps({"gpt-4o-mini": budget}),
                "STREAMGATE_EGRESS__CALL_TIMEOUT_SECONDS": str(CALL_TIMEOUT_SECONDS),
            },
            Role.NOTARY: {"STREAMGATE_NOTARY__SIGNING_KEY_FILE": str(keys / "notary.pem")},
        }
        return cls(folder, common, own)

    def installation(self, bootstrap: str) -> Installation:
        """Settings as a process at this address sees them."""
        return load(None, {**self.common, "STREAMGATE_KAFKA__BOOTSTRAP": bootstrap})


class Fleet:
    """``async with Fleet(...)``: every role, each several times."""

    def __init__(self, place: Place, bootstrap: str, options: SoakOptions) -> None:
        """``bootstrap`` is the workers' address of the broker."""
        self._place = place
        self._bootstrap = bootstrap
        self._options = options
        self._processes: dict[tuple[Role, int], asyncio.subprocess.Process] = {}
        self._held: set[tuple[Role, int]] = set()
        self._guard: asyncio.Task[None] | None = None
        self.crashes: list[str] = []
        """Workers that ended by themselves or would not end, each with its exit status."""

    async def __aenter__(self) -> Self:
        """Start all of them."""
        for role in Role:
            for number in range(self._options.workers):
                await self._start(role, number)
        self._guard = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """SIGTERM to all; SIGKILL to what is left."""
        await self.stop(*Role)

    async def stop(self, *roles: Role) -> None:
        """SIGTERM to every worker of these roles; from here on none is started again."""
        await self._end_guard()
        await asyncio.gather(*(self._terminate(*place) for place in self._processes if place[0] in roles))

    async def kill(self, role: Role, number: int) -> None:
        """SIGKILL to the worker and its own processes, as when a container is killed; and started again."""
        self._held.add((role, number))
        process = self._processes[role, number]
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await self._start(role, number)
        self._held.discard((role, number))

    async def restart(self, role: Role, number: int) -> None:
        """SIGTERM, waited for, and started again."""
        self._held.add((role, number))
        await self._terminate(role, number)
        await self._start(role, number)
        self._held.discard((role, number))

    async def pause(self, role: Role, number: int, seconds: float) -> None:
        """SIGSTOP to the worker and its own processes, then SIGCONT. What it does when it wakes up is its own affair."""
        process = self._processes[role, number]
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                os.killpg(process.pid, signal.SIGCONT)

    def logs(self) -> dict[str, bytes]:
        """What each worker wrote."""
        return {path.stem: path.read_bytes() for path in sorted(self._place.folder.glob("worker-*.log"))}

    async def _start(self, role: Role, number: int) -> None:
        settings = {**self._place.common, **self._place.own[role], "STREAMGATE_KAFKA__BOOTSTRAP": self._bootstrap}
        if number % 2:  # state in memory, and state on disk
            settings["STREAMGATE_RUNTIME__STATE_DIRECTORY"] = str(self._place.folder / f"state-{role}-{number}")
        with (self._place.folder / f"worker-{role}-{number}.log").open("ab") as log:
            self._processes[role, number] = await asyncio.create_subprocess_exec(
                *self._options.worker,
                role.value,
                env={**os.environ, **settings, **self._options.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a signal from the terminal is ours to pass on
            )

    async def _terminate(self, role: Role, number: int) -> None:
        process = self._processes[role, number]
        if process.returncode is not None:
            return
        process.terminate()
        try:
            status = await asyncio.wait_for(process.wait(), _TERM_SECONDS)
        except TimeoutError:
            self.crashes.append(f"{role} did not end after SIGTERM")
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        else:
            if status:
                self.crashes.append(f"{role} ended with {status} after SIGTERM")

    async def _watch(self) -> None:
        """What a container runtime does: a worker that ended is started again, not at once."""
        ended: dict[tuple[Role, int], float] = {}
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for place, process in list(self._processes.items()):
                if place in self._held or process.returncode is None:
                    ended.pop(place, None)
                elif place not in ended:
                    ended[place] = time.monotonic()
                    self.crashes.append(f"{place[0]} ended by itself with {process.returncode}")
                elif time.monotonic() - ended[place] > _BACKOFF_SECONDS:
                    ended.pop(place)
                    await self._start(*place)

    async def _end_guard(self) -> None:
        if self._guard is not None:
            self._guard.cancel()
            await asyncio.gather(self._guard, return_exceptions=True)
            self._guard = None

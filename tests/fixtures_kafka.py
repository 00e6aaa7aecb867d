"""A real Apache Kafka and the embedded broker for tests. Nothing is patched: tests talk to what production talks to."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import pytest
import pytest_asyncio

from streamgate.adapters.kafka_connection import KafkaConnection

KAFKA = "4.4.0"
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>streamgate</groupId><artifactId>test-broker</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA}</version></dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.5</version>
    </dependency>
  </dependencies>
</project>
"""
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}/logs
num.partitions=1
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
JAVA_OPTIONS = ("-Xmx512m", "-Xms256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class Broker:
    """A broker that tests may use."""

    bootstrap: str
    embedded: bool

    @property
    def connection(self) -> KafkaConnection:
        return KafkaConnection(bootstrap=self.bootstrap)


def unavailable(reason: str) -> NoReturn:
    """Skip with a reason; in continuous integration (STREAMGATE_CI=1) a broker that cannot be had is a failure."""
    if os.environ.get("STREAMGATE_CI") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        unavailable("no real Kafka: java is not on the path, and STREAMGATE_TEST_KAFKA is not set")
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    found = re.search(r'version "(\d+)', shown)
    if found is None or int(found.group(1)) < 17:
        unavailable("no real Kafka: Java 17 or newer is needed")
    return java


def _jars() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streamgate" / f"kafka-{KAFKA}"
    libs = cache / "libs"
    if not libs.is_dir():
        maven = shutil.which("mvn")
        if maven is None:
            unavailable("no real Kafka: its jars are not cached and mvn is not on the path")
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "pom.xml").write_text(POM)
        fetched = cache / f"libs-{os.getpid()}"
        command = [maven, "-q", "-B", "-f", str(cache / "pom.xml"), "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={fetched}"]
        if subprocess.run(command, check=False).returncode:
            unavailable("no real Kafka: Maven could not fetch its jars")
        fetched.rename(libs)
    return libs


def _kafka(data: Path) -> tuple[subprocess.Popen[bytes], int]:
    java, libs = _java(), _jars()
    port, controller = free_port(), free_port()
    properties = data / "server.properties"
    properties.write_text(PROPERTIES.format(port=port, controller=controller, data=data))
    command = [java, *JAVA_OPTIONS, "-cp", f"{libs}/*"]
    with (data / "format.log").open("wb") as log:
        storage = [*command, "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", str(properties)]
        subprocess.run(storage, stdout=log, stderr=log, check=True)
    with (data / "broker.log").open("wb") as log:
        process = subprocess.Popen([*command, "kafka.Kafka", str(properties)], stdout=log, stderr=log, start_new_session=True)
    return process, port


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One real Apache Kafka for the whole run: STREAMGATE_TEST_KAFKA=host:port, or one started from Maven's jars."""
    given = os.environ.get("STREAMGATE_TEST_KAFKA")
    if given:
        yield Broker(given, embedded=False)
        return
    process, port = _kafka(tmp_path_factory.mktemp("kafka"))
    try:
        deadline = time.monotonic() + 60
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                unavailable("no real Kafka: the broker did not start")
            time.sleep(0.1)
        yield Broker(f"127.0.0.1:{port}", embedded=False)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest_asyncio.fixture
async def embedded() -> AsyncIterator[Broker]:
    """The demo's broker, one for each test: it starts in milliseconds."""
    from streamgate.demo._broker import EmbeddedBroker  # noqa: PLC0415  workers in processes of their own import this module, not the demo

    async with EmbeddedBroker() as broker:
        yield Broker(broker.bootstrap, embedded=True)


@pytest.fixture(params=[pytest.param("kafka", marks=pytest.mark.kafka), "embedded"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Both, one after the other: for behaviour that both must show."""
    found: Broker = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def prefix() -> str:
    """A topic prefix that no other test uses."""
    return f"t{uuid4().hex[:8]}."

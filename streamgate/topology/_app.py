"""The faust.App of one role: raw bytes in, nothing acknowledged by Faust, nothing declared by Faust, no web server, no command line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import faust
import faust.streams
from faust.app.base import BootStrategy
from faust.types import TP

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.errors import Code, StreamgateError
from streamgate.topology._consumer import StrictConsumer, StrictTransport
from streamgate.topology._fence import Fences
from streamgate.topology._progress import Progress
from streamgate.topology._recovery import OwnTableManager, StateRecovery
from streamgate.topology._runtime import Flow, Runtime
from streamgate.topology._settings import RuntimeSettings, TopicNames
from streamgate.types import Inbound

_HOURS: Final = 3600.0


class _WithoutProducer(BootStrategy):
    """Everything is published through our own publisher, which awaits the broker."""

    enable_kafka_producer = False
    enable_web = False


class RoleFaustApp(faust.App):
    """A Faust app that leaves delivery to our runtime."""

    BootStrategy = _WithoutProducer
    settings: RuntimeSettings
    runtime: Runtime
    names: TopicNames
    input_topics: frozenset[str]
    abandon: Callable[[], Awaitable[None]]
    on_committed: Callable[[frozenset[str]], None]
    on_drained: Callable[[], None]
    recovery: StateRecovery | None
    fences: Fences | None
    """``None`` on a broker without transactions."""
    running: bool = False
    """Recovered, and reading its input."""

    @property
    def strict_consumer(self) -> StrictConsumer:
        """Faust's consumer, which is ours."""
        return cast("StrictConsumer", self.consumer)

    def _new_transport(self) -> StrictTransport:
        return StrictTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> StrictTransport:
        return StrictTransport(self.conf.broker_producer, self)

    def _create_directories(self) -> None:
        """Nothing is kept on disk."""

    def on_rebalance_start(self) -> None:
        """Called in the consumer's thread."""
        self.running = False
        super().on_rebalance_start()

    def on_rebalance_end(self) -> None:
        """Recovered and seeked."""
        super().on_rebalance_end()
        self.running = True

    async def recover(self) -> None:
        """Shut the previous owners of the partitions assigned now out, then read the state; a rebalance or the worker's end cuts it off."""
        rebalance = self.rebalancing_count

        def wanted() -> bool:
            return self.rebalancing_count == rebalance and not self.should_stop

        counts = {self.strict_consumer.topic_partitions(topic) for topic in self.input_topics}
        if not counts <= {self.settings.partitions, None}:
            # Records of a data subject stand elsewhere from now on: whatever this worker knows of them is in the wrong place.
            self.runtime.fail(StreamgateError(Code.REPARTITION_UNFINISHED, "the topics have other partitions than this worker knows"))
            return
        assigned = {tp.partition for tp in self.strict_consumer.assignment() if tp.topic in self.input_topics}
        if self.fences is not None and not await self.fences.take(assigned, wanted):
            return
        if self.recovery is not None:
            await self.recovery.recover(assigned, wanted)

    def owned(self) -> frozenset[int]:
        """Partition numbers of the input that this worker owns now."""
        if not self.running:
            return frozenset()
        return frozenset(partition for _, partition in self.runtime.ledgers.places())

    def physical(self, topic: str, partition: int) -> TP:
        """A logical place as Faust names it."""
        return TP(self.names.physical(topic), partition)

    def opened(self, generation: int, topic: str, partition: int, start: Progress | None) -> None:
        """Hand on with the logical name."""
        self.runtime.opened(generation, self.names.logical(topic), partition, start)

    async def take(self, message: Any) -> None:
        """Hand a record to the runtime and do with the partition what it says."""
        record = Inbound(
            self.names.logical(message.topic),
            message.partition,
            message.offset,
            round((message.timestamp or 0.0) * 1000),
            message.key,
            message.value,
            dict(message.headers or ()),
        )
        flow = self.runtime.take(record, message.generation_id)
        consumer = self.strict_consumer
        if flow is Flow.PAUSE:
            consumer.on_buffer_full(message.tp)
        elif flow is Flow.REREAD:
            ledger = self.runtime.ledgers.current(record.topic, record.partition)
            if ledger is not None and ledger.position is not None:
                await consumer.seek(message.tp, ledger.position)

    async def commit_ledgers(self) -> bool:
        """Commit all progress, or, where that is part of transactions, take note of it."""
        ledgers = self.runtime.ledgers
        generation, moved = ledgers.generation, ledgers.movable()
        if not moved:
            return False
        done = self.fences is not None or await self.strict_consumer.commit_progress({self.physical(*p): each for p, each in moved.items()})
        if done:
            ledgers.committed(generation, moved)
            self.on_committed(frozenset(topic for topic, _ in moved))
        return done

    async def drain_revoked(self, seconds: float | None = None) -> None:
        """Finish or cancel what is in flight, commit, forget."""
        whole = await self.runtime.drain(self.settings.drain_seconds if seconds is None else seconds)
        if not whole:
            await self.abandon()
        await self.commit_ledgers()
        self.runtime.ledgers.close()
        if self.fences is not None:
            self.fences.release()
        self.on_drained()

    async def resume_paused(self) -> None:
        """Let partitions be read again whose backlog has gone."""
        consumer = self.strict_consumer
        for place, back_to in self.runtime.resumable().items():
            consumer.on_buffer_drop(self.physical(*place))
            if back_to is not None:
                await consumer.seek(self.physical(*place), back_to)


def build_app(
    app_id: str,
    *,
    connection: KafkaConnection,
    names: TopicNames,
    recovery: StateRecovery | None,
    fences: Fences | None,
    runtime: Runtime,
    settings: RuntimeSettings,
) -> RoleFaustApp:
    """Make the app; it does nothing before it is started."""
    app = RoleFaustApp(
        app_id,
        broker=[f"kafka://{server}" for server in connection.servers()],
        broker_credentials=_credentials(connection),
        loop=asyncio.get_running_loop(),
        TableManager=OwnTableManager,
        topic_partitions=settings.partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        table_standby_replicas=0,
        stream_recovery_delay=0.0,
        stream_wait_empty=False,
        stream_buffer_maxsize=4096,
        broker_max_poll_records=100,
        broker_max_poll_interval=12 * _HOURS,
        broker_commit_interval=settings.commit_seconds,
        broker_session_timeout=settings.session_seconds,
        broker_heartbeat_interval=settings.heartbeat_seconds,
        broker_rebalance_timeout=4.0 if settings.embedded else settings.rebalance_seconds,
        broker_request_timeout=settings.request_seconds,
    )
    app.settings, app.runtime, app.names = settings, runtime, names
    app.recovery, app.fences = recovery, fences
    app.input_topics = frozenset(names.physical(topic) for topic in runtime.stages)
    for topic in runtime.stages:
        source = app.topic(names.physical(topic), key_serializer="raw", value_serializer="raw", partitions=settings.partitions, acks=False)
        app.agent(source, name=f"{app_id}-{topic}")(_agent(app))
    return app


def _agent(app: RoleFaustApp) -> Callable[[Any], Awaitable[None]]:
    async def body(stream: Any) -> None:
        async for event in stream.noack().events():
            await app.take(event.message)

    return body


def _credentials(connection: KafkaConnection) -> Any:
    context = connection.ssl_context()
    if connection.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=connection.sasl_username,
            password=connection.sasl_password,
            mechanism=connection.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context=context) if context is not None else None


def compiled_stream_iterator() -> bool:
    """Whether Faust iterates streams with its compiled extension. The pure-Python one acknowledges stale records even under noack."""
    return getattr(faust.streams, "_CStreamIterator", None) is not None

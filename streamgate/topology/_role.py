"""One role running: the Faust app, the runtime, the publisher and what watches over them, started and stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.adapters.kafka_transaction import KafkaTransactions
from streamgate.effects import Clock
from streamgate.errors import Code, Unavailable
from streamgate.pipeline.ports.stage import Stage, Sweep
from streamgate.telemetry import Committed, Telemetry, WorkerState
from streamgate.topology._app import RoleFaustApp, build_app, compiled_stream_iterator
from streamgate.topology._commit import AtLeastOnce, Commit, Places, Transactional
from streamgate.topology._fence import Fences, transactional_id
from streamgate.topology._inputs import AppInputs
from streamgate.topology._links import Links
from streamgate.topology._recovery import StateRecovery
from streamgate.topology._runtime import Runtime
from streamgate.topology._settings import RuntimeSettings, TopicNames
from streamgate.topology._vitals import Vitals
from streamgate.types import Topic

Watermarker = Callable[[int, int, int], tuple[bytes, bytes]]
"""Makes key and value of a standing record from partition, time (ms) and consents offset."""

_TICK_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 15.0


class RoleApp:
    """One worker of one role. Several may run in one event loop (the demo); a deployment runs one."""

    def __init__(
        self,
        role: str,
        connection: KafkaConnection,
        prefix: str,
        app_id: str,
        *,
        stages: Sequence[Stage],
        links: Links,
        telemetry: Telemetry,
        clock: Clock,
        settings: RuntimeSettings,
        sweep: Sweep | None = None,
        state: bool = True,
        watermark: Watermarker | None = None,
        on_drained: Callable[[], None] = lambda: None,
    ) -> None:
        """Nothing is connected before :meth:`start`. ``watermark`` is for vault: with it standing watermarks are published.

        ``on_drained`` is called when partitions are given up: what is cached of their subjects must go.
        """
        self.role = role
        self._connection = connection
        self._app_id = app_id
        self._stages = tuple(stages)
        self._links = links
        self._telemetry = telemetry
        self._clock = clock
        self._settings = settings
        self._sweep = sweep
        self._watermark = watermark
        self._on_drained = on_drained
        self._names = TopicNames(prefix)
        self._state_topic = self._names.state(role) if state else None
        self._publisher = KafkaPublisher(
            connection,
            embedded=settings.embedded,
            max_request_bytes=settings.max_request_bytes,
            request_seconds=settings.request_seconds,
            client_id=app_id,
        )
        self._app: RoleFaustApp | None = None
        self._runtime: Runtime | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._vitals: Vitals | None = None
        self._last_commit = clock.monotonic()

    async def start(self) -> None:
        """Connect and begin to join the group; returns before partitions are assigned (see :meth:`wait_ready`)."""
        self._links.rows.open()
        await self._publisher.start()
        fences = None if self._settings.embedded else Fences(self._transactions)
        self._runtime = Runtime(
            stages=self._stages,
            sweep=self._sweep,
            commit=self._commit(fences),
            rows=self._links.rows,
            telemetry=self._telemetry,
            clock=self._clock,
            settings=self._settings,
        )
        self._app = build_app(
            self._app_id,
            connection=self._connection,
            names=self._names,
            recovery=self._recovery(),
            fences=fences,
            runtime=self._runtime,
            settings=self._settings,
        )
        self._links.trail.bind(self._runtime)
        self._app.abandon = self._publisher.abandon
        self._app.on_committed = self._on_committed
        self._app.on_drained = self._on_drained
        self._inputs = AppInputs(self._app)
        self._links.freshness.bind(self._inputs)
        self._telemetry.emit(WorkerState(self.role, "started"))
        if not compiled_stream_iterator():
            self._telemetry.emit(WorkerState(self.role, "python_stream_iterator"))
        self._spawn(self._app.start())
        self._spawn(self._tick(self._app, self._runtime))
        self._vitals = Vitals(self._app, self._runtime, self._clock, self._settings)
        self._spawn(self._vitals.run())
        if any(stage.topic == Topic.CONSENTS for stage in self._stages):
            on_fresh = self._publish_watermark if self._watermark is not None else None
            self._spawn(self._links.freshness.run(self._clock, self._settings.fresh_seconds, self._settings.watermark_seconds, on_fresh))

    async def stop(self) -> None:
        """Drain, commit, leave the group, close. Bounded; safe to call twice, and after a failure."""
        app, self._app = self._app, None
        if app is not None and self._runtime is not None:
            self._telemetry.emit(WorkerState(self.role, "draining"))
            if app.consumer is not None and app.running:
                app.consumer.stop_flow()
            lost = self._runtime.failed.done()
            await app.drain_revoked(0.0 if lost else None)
            app.running = False
            with suppress(TimeoutError):  # then the group's session timeout takes the partitions away
                await asyncio.wait_for(app.stop(), _STOP_SECONDS)
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
        if app is not None and app.fences is not None:
            await app.fences.stop()
        await self._publisher.stop()
        self._links.rows.close()
        if app is not None:
            self._telemetry.emit(WorkerState(self.role, "stopped"))

    async def wait_failed(self) -> BaseException:
        """Return what makes it impossible to go on. Whoever awaits this stops the worker and exits with a non-zero status."""
        if self._runtime is None:
            raise RuntimeError("not started")
        return await asyncio.shield(self._runtime.failed)

    async def wait_ready(self, timeout_seconds: float) -> bool:
        """Wait until :meth:`ready`, or ``False``."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not self.ready()[0]:
                    if self._runtime is not None and self._runtime.failed.done():
                        return False
                    await asyncio.sleep(_TICK_SECONDS)
        except TimeoutError:
            return False
        return True

    def ready(self) -> tuple[bool, tuple[str, ...]]:
        """Whether the worker does its work, and what keeps it from that."""
        reasons: list[str] = []
        app, runtime = self._app, self._runtime
        if app is None or runtime is None:
            return False, ("not running",)
        if runtime.failed.done():
            reasons.append(f"failed: {type(runtime.failed.result()).__name__}")
        if self._vitals is not None:
            reasons += self._vitals.reasons()
        return not reasons, tuple(reasons)

    def owned(self) -> frozenset[int]:
        """Partition numbers this worker owns and has recovered."""
        return self._app.owned() if self._app is not None else frozenset()

    # Inside.

    def _recovery(self) -> StateRecovery | None:
        if self._state_topic is None:
            return None
        return StateRecovery(self._connection, self._state_topic, self._links.rows, embedded=self._settings.embedded)

    def _commit(self, fences: Fences | None) -> Commit:
        places = Places(self._names, self._state_topic)
        if fences is None:
            return AtLeastOnce(self._publisher, places, self._settings.give_up_seconds)
        return Transactional(fences, places, self._app_id, self._settings.give_up_seconds)

    def _transactions(self, partition: int) -> KafkaTransactions:
        """The id names role and partition number: all of the role's workers share it, and one has it at a time."""
        return KafkaTransactions(
            self._connection,
            transactional_id(self._app_id, partition),
            max_request_bytes=self._settings.max_request_bytes,
            request_seconds=self._settings.request_seconds,
            transaction_seconds=self._settings.transaction_seconds,
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        """None of them ends while the worker runs: whatever ended one ends the worker."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and self._runtime is not None:
            self._runtime.fail(error)

    async def _tick(self, app: RoleFaustApp, runtime: Runtime) -> None:
        ready = False
        swept = tended = self._clock.monotonic()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            if app.crashed:
                runtime.fail(app.crash_reason or Unavailable(Code.INTERNAL_ERROR, "faust crashed"))
            await app.resume_paused()
            if not runtime.ledgers.unfinished:
                self._last_commit = self._clock.monotonic()  # idle is not slow
            if app.running and self._clock.monotonic() - swept >= self._settings.sweep_seconds:
                swept = self._clock.monotonic()
                runtime.sweep(set(app.owned()))
            if app.running and self._clock.monotonic() - tended >= self._settings.tend_seconds:
                tended = self._clock.monotonic()
                self._spawn(asyncio.to_thread(self._links.rows.tend, app.owned()))
            if self.ready()[0] and not ready:
                ready = True
                self._telemetry.emit(WorkerState(self.role, "ready"))

    def _on_committed(self, topics: frozenset[str]) -> None:
        now = self._clock.monotonic()
        lag = self._inputs.lag()
        for topic in sorted(topics):
            self._telemetry.emit(Committed(topic, lag, now - self._last_commit))
        self._last_commit = now

    async def _publish_watermark(self, partition: int, at_ms: int, consents_offset: int) -> None:
        if self._watermark is None:
            return
        key, value = self._watermark(partition, at_ms, consents_offset)
        record = Publication(self._names.physical(Topic.STANDING), partition, key, value)
        await self._publisher.publish([record], self._settings.watermark_seconds * 4)

"""One worker: a role, its health page and its telemetry, started and stopped together."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from streamgate.adapters.detector_pool import DetectorPool
from streamgate.adapters.health import HealthServer, Readiness
from streamgate.adapters.kafka_topics import KafkaTopics
from streamgate.adapters.log import LogTelemetry, configure
from streamgate.adapters.loop_watch import LoopWatch
from streamgate.adapters.prometheus import PrometheusTelemetry
from streamgate.audit import AuditFact
from streamgate.bootstrap._egress import build_egress
from streamgate.bootstrap._installation import Installation
from streamgate.bootstrap._notary import build_notary
from streamgate.bootstrap._partition_count import refuse_half_changed
from streamgate.bootstrap._vault import VaultParts, build_vault
from streamgate.config import check_role
from streamgate.detect import Detector, EntityType
from streamgate.errors import ConfigError, StreamgateError
from streamgate.pipeline._gate import FRESH_MS
from streamgate.provider import Left, Reason
from streamgate.rights import NOT_KEPT_EMBEDDED
from streamgate.telemetry import Combined, Known, Telemetry, WorkerFailed
from streamgate.topology import Links, RoleApp, Rows, RowStore
from streamgate.types import Role

READY_SECONDS = 120.0
Step = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class Worker:
    """A role that can be started and stopped. Several may share one process in the demo only."""

    role: Role
    app: RoleApp
    prometheus: PrometheusTelemetry
    profile: str
    links: Links | None = None
    vault: VaultParts | None = None
    parts_ready: Callable[[], tuple[str, ...]] = tuple
    """Reasons of the parts beside the app why it is not ready."""
    before: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()
    _started: bool = field(default=False)

    async def start(self) -> None:
        """Start the parts in order, then the role."""
        for step in self.before:
            await step()
        await self.app.start()
        self._started = True

    async def stop(self) -> None:
        """Drain and stop the role, then its parts."""
        if self._started:
            await self.app.stop()
        for step in self.after:
            await step()

    def rows(self) -> RowStore:
        """The role's state, for whoever has to prove what is in it."""
        return Rows() if self.links is None else self.links.rows

    def readiness(self) -> Readiness:
        """What /readyz says."""
        ready, reasons = self.app.ready()
        lacking = self.parts_ready()
        not_kept = NOT_KEPT_EMBEDDED if self.profile == "embedded" else ()
        return Readiness(ready and not lacking, self.role.value, self.profile, (*reasons, *lacking), not_kept)


@dataclass(frozen=True, slots=True)
class Detection:
    """The process pool, started before keys are loaded."""

    pool: DetectorPool

    @classmethod
    async def started(cls, installation: Installation) -> Detection:
        """Fork before anything secret is in memory."""
        vault = installation.settings.vault
        pool = DetectorPool(workers=vault.detector_workers, timeout_seconds=vault.detector_timeout_seconds)
        await pool.start()
        return cls(pool)


def telemetry_of(installation: Installation) -> tuple[PrometheusTelemetry, Telemetry]:
    """The exporter, and what facts are emitted to."""
    policy = installation.policy
    known = Known(
        models=frozenset(policy.models()),
        tenants=frozenset(policy.tenants),
        purposes=frozenset(policy.purposes),
        entities=frozenset(entity.value for entity in EntityType) | {"LITERAL"},
        reasons=frozenset(reason.value for reason in (*Reason, *Left)),
        audit_facts=frozenset(fact.value for fact in AuditFact),
        parts=frozenset({"detector", "registry"}),
    )
    prometheus = PrometheusTelemetry(known)
    return prometheus, Combined(prometheus, LogTelemetry())


def build_worker(
    role: Role, installation: Installation, detector: Detector | None = None, telemetry: tuple[PrometheusTelemetry, Telemetry] | None = None
) -> Worker:
    """A worker of one role; vault needs a detector. Nothing is connected yet."""
    prometheus, facts = telemetry or telemetry_of(installation)
    profile = "embedded" if installation.settings.kafka.embedded else "kafka"
    if role is Role.VAULT:
        if detector is None:
            raise ConfigError(("vault: no detector",))
        parts = build_vault(installation, detector, facts)
        return Worker(role, parts.app, prometheus, profile, links=parts.links, vault=parts, after=(parts.archive.stop,))
    if role is Role.EGRESS:
        egress = build_egress(installation, facts)

        def lacking() -> tuple[str, ...]:
            reading: tuple[str, ...] = () if egress.standing.ready else ("reading standing",)
            if egress.standing.apart_ms >= FRESH_MS:
                reading += (f"what vault says of consent is {egress.standing.apart_ms / 1000:.0f} s off: compare both clocks",)
            if egress.spend is not None and not egress.spend.ready:
                reading += ("reading what was spent",)
            return reading if egress.shares.ready else (*reading, "learning what other workers hold of the limits")

        spend = (egress.spend,) if egress.spend is not None else ()
        return Worker(
            role,
            egress.app,
            prometheus,
            profile,
            links=egress.links,
            parts_ready=lacking,
            before=(egress.standing.start, egress.shares.start, *(each.start for each in spend), egress.batches.rounds.start),
            after=(
                egress.batches.stop,
                *(each.stop for each in spend),
                egress.shares.stop,
                egress.standing.stop,
                *(model.close for model in egress.models),
            ),
        )
    return Worker(role, build_notary(installation, facts), prometheus, profile)


async def run_worker(role: Role, installation: Installation) -> int:
    """Run one role until SIGTERM or SIGINT (0) or until it cannot go on (1)."""
    check_role(installation.settings, role)
    telemetry = installation.settings.telemetry
    configure(telemetry.log_format, telemetry.log_level)
    detection = await Detection.started(installation) if role is Role.VAULT else None
    try:
        await _refuse_other_topics(installation)
        worker = build_worker(role, installation, None if detection is None else detection.pool)
        if detection is not None:
            pool = detection.pool
            worker.parts_ready = lambda: () if pool.healthy else ("detector is not ready",)
        return await _serve(worker, installation)
    finally:
        if detection is not None:
            await detection.pool.stop()


async def _refuse_other_topics(installation: Installation) -> None:
    """A worker on a partition count that is not the topics' own would look for subjects in the wrong place."""
    async with KafkaTopics(installation.connection()) as topics:
        await refuse_half_changed(installation, topics)
        found = await topics.check(installation.topics(), configs=False)
    if found:
        raise ConfigError(tuple(f"{problem} (run `streamgate topics apply`, then `streamgate topics check`)" for problem in found))


async def _serve(worker: Worker, installation: Installation) -> int:
    telemetry = installation.settings.telemetry
    health = HealthServer(worker.prometheus.render, worker.readiness, host=telemetry.metrics_host, port=telemetry.metrics_port)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        await health.start()
    except OSError:
        problem = f"telemetry.metrics_port: {telemetry.metrics_port} cannot be listened on; set another, or 0 for a free one"
        raise ConfigError((problem,)) from None
    watch = LoopWatch()
    watch.start()
    await worker.start()
    asked = asyncio.create_task(stopping.wait())
    failed = asyncio.create_task(worker.app.wait_failed())
    try:
        await asyncio.wait({asked, failed}, return_when=asyncio.FIRST_COMPLETED)
        if not failed.done():
            return 0
        error = failed.result()
        reason = str(error) if isinstance(error, StreamgateError) else ""
        worker.prometheus.emit(fact := WorkerFailed(worker.role.value, type(error).__name__, reason))
        LogTelemetry().emit(fact)
        return 1
    finally:
        asked.cancel()
        failed.cancel()
        await worker.stop()
        await health.stop()
        watch.stop()

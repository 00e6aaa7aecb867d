"""Assembles the role vault."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from streamgate.adapters.kafka_archive import KafkaArchive
from streamgate.adapters.key_file import KeyFile
from streamgate.adapters.system import SystemClock, SystemEntropy, SystemSleeper
from streamgate.bootstrap._installation import DAY_MS, Installation
from streamgate.codec import Decoder
from streamgate.detect import Detector
from streamgate.errors import ConfigError
from streamgate.minimise import Limits
from streamgate.pipeline._copies import Copies
from streamgate.pipeline._desk import Desk, KeyCache
from streamgate.pipeline._lanes import Lanes
from streamgate.pipeline._letters import DeadLetters, proof_of
from streamgate.pipeline._publish import AuditWriter, Responses
from streamgate.pipeline._reader import Reader
from streamgate.pipeline.consents import Consents, Standing
from streamgate.pipeline.operator_requests import OperatorRequests
from streamgate.pipeline.ports.stage import Stage
from streamgate.pipeline.redact import Redact
from streamgate.pipeline.restore import Restore
from streamgate.pipeline.subject_requests import SubjectRequests
from streamgate.pipeline.sweep import VaultSweep
from streamgate.telemetry import Telemetry
from streamgate.topology import Links, RoleApp
from streamgate.types import Role, Topic
from streamgate.vault import StateSealer


@dataclass(frozen=True, slots=True)
class VaultParts:
    """The running role, and the desk that a look into its state needs."""

    app: RoleApp
    desk: Desk
    links: Links
    archive: KafkaArchive


def build_vault(installation: Installation, detector: Detector, telemetry: Telemetry) -> VaultParts:
    """Everything is made here and nothing is connected yet."""
    key_file = installation.settings.vault.key_file
    if key_file is None:
        raise ConfigError(("vault.key_file: missing; run `streamgate init`",))
    links = Links.unbound(installation.rows(Role.VAULT, SystemClock()))
    keys = KeyFile(Path(key_file))
    desk = _desk(installation, keys, detector, links, telemetry)
    decoder = installation.decoder()
    archive = KafkaArchive(installation.connection(), installation.prefix)
    standing = Standing(installation.schemas.latest(Topic.STANDING))

    def watermark(_partition: int, at_ms: int, consents_offset: int) -> tuple[bytes, bytes]:
        return standing.watermark(consents_offset, at_ms)

    app = RoleApp(
        Role.VAULT,
        installation.connection(),
        installation.prefix,
        f"{installation.prefix}vault",
        stages=(
            *_stages(installation, decoder, desk, detector, links, standing, archive, telemetry),
            _operator_requests(installation, decoder, desk, archive, keys),
        ),
        links=links,
        telemetry=telemetry,
        clock=desk.clock,
        settings=installation.runtime(),
        sweep=VaultSweep(desk),
        watermark=watermark,
        on_drained=desk.drained,
    )
    return VaultParts(app, desk, links, archive)


def _desk(installation: Installation, kms: KeyFile, detector: Detector, links: Links, telemetry: Telemetry) -> Desk:
    clock, entropy, schemas, sealer = SystemClock(), SystemEntropy(), installation.schemas, StateSealer(kms)
    audit = AuditWriter(schemas.latest(Topic.AUDIT_EVENTS), Role.VAULT, clock, entropy)
    retention = installation.policy.retention_days.get(Topic.RESPONSES, 7)
    return Desk(
        sealer=sealer,
        kms=kms,
        keys=KeyCache(kms, telemetry),
        policy=installation.policy,
        responses=Responses(schemas.latest(Topic.RESPONSES), Topic.RESPONSES),
        audit=audit,
        letters=DeadLetters(schemas.latest(Topic.DEAD_LETTERS), kms.dead_letter_sealer(), audit, partial(proof_of, sealer)),
        requests=schemas.latest(Topic.REQUESTS),
        detector_version=detector.version,
        freshness=links.freshness,
        clock=clock,
        entropy=entropy,
        retention_ms=retention * DAY_MS,
        lanes=Lanes(installation.settings.vault.tenant_interactive_requests),
        atomic=not installation.settings.kafka.embedded,
    )


def _stages(
    installation: Installation,
    decoder: Decoder,
    desk: Desk,
    detector: Detector,
    links: Links,
    standing: Standing,
    archive: KafkaArchive,
    telemetry: Telemetry,
) -> tuple[Stage, ...]:
    limits = installation.settings.vault.limits
    sleeper = SystemSleeper()
    reader = Reader(decoder, desk.clock, sleeper, installation.settings.kafka.partitions)
    redact = Redact(
        reader=reader,
        policy=installation.policy,
        limits=Limits(prompt_bytes=limits.prompt_bytes, messages=limits.messages),
        detector=detector,
        freshness=links.freshness,
        desk=desk,
        copies=Copies(desk, links.state, archive, decoder, desk.clock, sleeper),
        telemetry=telemetry,
        clock=desk.clock,
        sleeper=sleeper,
    )
    requests = SubjectRequests(
        reader=reader,
        desk=desk,
        standing=standing,
        results=installation.schemas.latest(Topic.SUBJECT_RESULTS),
        freshness=links.freshness,
        horizons=installation.horizons(),
    )
    return (
        redact,
        replace(redact, topic=Topic.PROMPTS_BULK),
        Restore(decoder, desk, links.freshness, desk.clock),
        Consents(reader, desk, standing),
        requests,
    )


def _operator_requests(installation: Installation, decoder: Decoder, desk: Desk, archive: KafkaArchive, keys: KeyFile) -> OperatorRequests:
    return OperatorRequests(
        decoder=decoder,
        desk=desk,
        archive=archive,
        opener=keys.dead_letter_opener(),
        results=installation.schemas.latest(Topic.OPERATOR_RESULTS),
        retention_ms=installation.kept_ms(Topic.DEAD_LETTERS),
        sleeper=SystemSleeper(),
        partitions=installation.settings.kafka.partitions,
    )

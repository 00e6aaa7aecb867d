"""Assembles the role notary."""

from __future__ import annotations

from streamgate.adapters.kafka_chain import ChainHeads
from streamgate.adapters.signing_key import SigningKey
from streamgate.adapters.system import SystemClock, SystemEntropy
from streamgate.bootstrap._installation import Installation
from streamgate.bootstrap._letters import dead_letters
from streamgate.errors import ConfigError
from streamgate.pipeline._publish import AuditWriter
from streamgate.pipeline.notarise import Notarise
from streamgate.telemetry import Telemetry
from streamgate.topology import Links, RoleApp
from streamgate.types import Role, Topic


def build_notary(installation: Installation, telemetry: Telemetry) -> RoleApp:
    """Everything is made here and nothing is connected yet."""
    path = installation.settings.notary.signing_key_file
    if path is None:
        raise ConfigError(("notary.signing_key_file: missing; run `streamgate init`",))
    clock, schemas, connection = SystemClock(), installation.schemas, installation.connection()
    audit = AuditWriter(schemas.latest(Topic.AUDIT_EVENTS), Role.NOTARY, clock, SystemEntropy())
    stage = Notarise(
        decoder=installation.decoder(),
        entries=schemas.latest(Topic.AUDIT),
        signer=SigningKey(path),
        heads=ChainHeads(connection, installation.prefix + Topic.AUDIT),
        letters=dead_letters(installation, audit),
    )
    return RoleApp(
        Role.NOTARY,
        connection,
        installation.prefix,
        f"{installation.prefix}notary",
        stages=(stage,),
        links=Links.unbound(),
        telemetry=telemetry,
        clock=clock,
        settings=installation.runtime(),
        state=False,
        on_drained=stage.forget_chains,
    )

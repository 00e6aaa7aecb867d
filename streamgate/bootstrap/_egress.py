"""Assembles the role egress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from streamgate.adapters.kafka_shares import KafkaShares
from streamgate.adapters.kafka_spend import SpendReader
from streamgate.adapters.kafka_standing import StandingReader, StandingRecord
from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.adapters.system import SystemClock, SystemEntropy, SystemSleeper
from streamgate.bootstrap._access import accesses
from streamgate.bootstrap._batch import BatchParts, build_batches
from streamgate.bootstrap._installation import Installation
from streamgate.bootstrap._letters import dead_letters
from streamgate.bootstrap._money import prices, purse, spend_decoder
from streamgate.codec import parse_frame
from streamgate.config import Budget
from streamgate.pipeline._call import Caller
from streamgate.pipeline._egress_state import EgressSweep
from streamgate.pipeline._fallback import Fallbacks
from streamgate.pipeline._gate import Gate
from streamgate.pipeline._publish import AuditWriter
from streamgate.pipeline._spending import Spending
from streamgate.pipeline._tab import Till
from streamgate.pipeline._turns import Turns
from streamgate.pipeline.complete import Complete
from streamgate.pipeline.ports.standing import Watermark
from streamgate.provider import Amount, Budgets, Providers, Purse, RetryPolicy, limit
from streamgate.telemetry import Telemetry
from streamgate.topology import Links, RoleApp
from streamgate.types import Role, Topic


@dataclass(frozen=True, slots=True)
class EgressParts:
    """The running role and what it reads beside its input."""

    app: RoleApp
    standing: StandingReader[Watermark]
    models: tuple[OpenAIChat, ...]
    shares: KafkaShares
    spend: SpendReader | None
    """``None`` where there is no budget of money: nobody has to know what was spent."""
    links: Links
    batches: BatchParts


def build_egress(installation: Installation, telemetry: Telemetry) -> EgressParts:
    """Everything is made here and nothing is connected yet."""
    clock, schemas = SystemClock(), installation.schemas
    audit = AuditWriter(schemas.latest(Topic.AUDIT_EVENTS), Role.EGRESS, clock, SystemEntropy())
    links = Links.unbound(installation.rows(Role.EGRESS, clock))
    connection = installation.connection()
    standing = _standing(installation)
    reached = accesses(installation)
    providers = {name: OpenAIChat(**access.options()) for name, access in reached.items()}
    money = purse(installation)
    spend = _spend(installation, money, telemetry)
    turns = Turns(_budgets(installation), clock, SystemSleeper())
    shares = _shares(installation, turns, telemetry)
    turns.budgets.shares, turns.waited_for = shares, shares.want
    stage = Complete(
        decoder=installation.decoder(),
        completions=schemas.latest(Topic.COMPLETIONS),
        policy=installation.policy,
        gate=Gate(standing, clock),
        caller=Fallbacks(_caller(installation, providers, turns, telemetry), providers),
        trail=links.trail,
        audit=audit,
        letters=dead_letters(installation, audit),
        spending=Spending(schemas.latest(Topic.SPEND), Till(prices(installation), money, clock)),
        clock=clock,
        known_state=links.state,
    )
    batches = build_batches(installation, reached, stage, lambda: app.owned(), telemetry)  # noqa: PLW0108  app is made below
    app = RoleApp(
        Role.EGRESS,
        connection,
        installation.prefix,
        f"{installation.prefix}egress",
        stages=(stage, replace(stage, topic=Topic.REQUESTS_BULK), batches.stage),
        links=links,
        telemetry=telemetry,
        clock=clock,
        settings=installation.runtime(),
        sweep=EgressSweep(clock),
        on_drained=_drained(stage, batches),
    )
    return EgressParts(app, standing, tuple(providers.values()), shares, spend, links, batches)


def _caller(installation: Installation, providers: Mapping[str, OpenAIChat], turns: Turns, telemetry: Telemetry) -> Caller:
    settings = installation.settings.egress
    return Caller(
        model=Providers(providers),
        turns=turns,
        policy=RetryPolicy(max_attempts=settings.max_attempts),
        call_timeout_seconds=settings.call_timeout_seconds,
        telemetry=telemetry,
        clock=SystemClock(),
        sleeper=SystemSleeper(),
        entropy=SystemEntropy(),
    )


def _drained(stage: Complete, batches: BatchParts) -> Callable[[], None]:
    def drained() -> None:
        stage.forget_in_flight()
        batches.rounds.drained()

    return drained


def _shares(installation: Installation, turns: Turns, telemetry: Telemetry) -> KafkaShares:
    settings = installation.runtime()
    return KafkaShares(
        installation.connection(),
        installation.prefix + Topic.BUDGET,
        installation.schemas.latest(Topic.BUDGET),
        needs=turns.budgets.needs,
        changed=turns.changed,
        telemetry=telemetry,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        fetch_wait_ms=settings.fetch_wait_ms if settings.embedded else 500,
    )


def _spend(installation: Installation, money: Purse, telemetry: Telemetry) -> SpendReader | None:
    if not money.limits:
        return None
    reader = SpendReader(
        installation.connection(),
        installation.prefix + Topic.SPEND,
        installation.settings.kafka.partitions,
        money,
        decode=spend_decoder(installation),
        telemetry=telemetry,
        clock=SystemClock(),
    )
    money.known = lambda: reader.ready
    return reader


def _standing(installation: Installation) -> StandingReader[Watermark]:
    schemas = installation.schemas

    def decode(data: bytes) -> StandingRecord:
        frame = parse_frame(data)
        record = schemas.by_fingerprint(Topic.STANDING, frame.fingerprint or b"").decode(frame.payload)
        return StandingRecord(record["kind"], record["reference"], record["purpose"], record["consents_offset"], record["at"])

    return StandingReader(
        installation.connection(),
        installation.prefix + Topic.STANDING,
        installation.settings.kafka.partitions,
        decode=decode,
        watermark=Watermark,
        clock=SystemClock(),
    )


def _budgets(installation: Installation) -> Budgets:
    settings = installation.settings.egress
    return Budgets(
        default=_amount(settings.default_budget),
        by_model={name: _amount(each) for name, each in settings.budgets.items()},
        by_tenant={name: _amount(each) for name, each in settings.tenant_budgets.items()},
    )


def _amount(budget: Budget) -> Amount:
    return limit(budget.requests_per_minute, budget.tokens_per_minute)

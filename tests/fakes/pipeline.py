"""Vault's use cases on fakes: records in, effects out, carried out on a state in a dictionary."""

from __future__ import annotations

from functools import cache
from typing import Any

from streamgate.client import Prompt
from streamgate.codec import Decoder, SchemaSet, encode, packaged_schemas, parse_frame
from streamgate.consent import Basis, Controller, Policy, Provider, Purpose, Tenant
from streamgate.detect import EntityType
from streamgate.minimise import Limits
from streamgate.pipeline._copies import Copies
from streamgate.pipeline._desk import Desk, KeyCache
from streamgate.pipeline._outcome import Outcome
from streamgate.pipeline._publish import AuditWriter, DeadLetters, Responses
from streamgate.pipeline._reader import Reader
from streamgate.pipeline._vaultstate import VaultState
from streamgate.pipeline.consents import Consents, Standing
from streamgate.pipeline.ports.stage import Effects, Output, Stage
from streamgate.pipeline.redact import Redact
from streamgate.pipeline.restore import Restore
from streamgate.pipeline.subject_requests import SubjectRequests
from streamgate.pipeline.sweep import VaultSweep
from streamgate.rights import Horizons
from streamgate.types import Inbound, Role, Subject, Topic
from streamgate.vault import DeadLetterOpener, SecretKey, StateSealer
from tests.fakes.archive import FakeArchive
from tests.fakes.effects import FakeClock, FakeSleeper, SeededEntropy
from tests.fakes.freshness import FakeFreshness
from tests.fakes.kms import FakeKms
from tests.fakes.scripted_detector import ScriptedDetector
from tests.fakes.state import FakeState
from tests.fakes.telemetry import FakeTelemetry

NAME = "Maria Beispiel"
MODEL = "gpt-test"
OPENER = DeadLetterOpener({1: SecretKey(bytes(range(32)))})
HORIZONS = Horizons(topic_retention_days={"prompts": 1}, provider_log_days={"OpenAI": 30}, compaction_seconds=7200)
FOR_EVER = 2**62


@cache
def schemas() -> SchemaSet:
    """As they are packaged."""
    return SchemaSet.load(packaged_schemas())


def read(output: Output) -> dict[str, Any]:
    """An output's record."""
    topic = Topic.RESPONSES if output.topic.startswith("responses") else Topic(output.topic)
    frame = parse_frame(output.value or b"")
    return schemas().by_fingerprint(topic, frame.fingerprint or b"").decode(frame.payload)


def on(effects: Effects, topic: str) -> list[dict[str, Any]]:
    """The records that a decision publishes on one topic."""
    return [read(output) for output in effects.outputs if output.topic == topic]


def facts(effects: Effects) -> list[str]:
    """What a decision says on the audit log."""
    return [event["fact"] for event in on(effects, Topic.AUDIT_EVENTS)]


def _purpose(name: str, basis: Basis) -> Purpose:
    return Purpose(
        name=name,
        basis=basis,
        description="A purpose.",
        tenants=("acme",),
        models=(MODEL, "gpt-other"),
        recipients=("OpenAI",),
        retention_days=30,
    )


POLICY = Policy(
    version="0123456789abcdef",
    tenants={"acme": Tenant("acme", ("responses", "responses.acme")), "globex": Tenant("globex", ("responses.globex",))},
    purposes={
        "support": _purpose("support", Basis.CONTRACT),
        "marketing": _purpose("marketing", Basis.CONSENT),
        "hr": _purpose("hr", Basis.LEGITIMATE_INTERESTS),
    },
    controller=Controller("Example", "a@example.com", "b@example.com", "an authority"),
    providers={"default": Provider("OpenAI", "United States", "clauses", 30, "US")},
)


class Vault:
    """One partition of the role vault. Offsets are counted per topic; nothing is published, it is only decided."""

    def __init__(self, *, atomic: bool = True) -> None:
        self.atomic = atomic
        self.clock = FakeClock()
        self.sleeper = FakeSleeper(self.clock)
        self.telemetry = FakeTelemetry()
        self.state = FakeState()
        self.freshness = FakeFreshness(read_until_ms=FOR_EVER, clock=self.clock)
        self.detector = ScriptedDetector({NAME: EntityType.PERSON})
        self.kms = FakeKms()
        self.archive = FakeArchive()
        self.desk = self._desk()
        decoder, standing = Decoder(schemas(), None), Standing(schemas().latest(Topic.STANDING))
        reader = Reader(decoder, self.clock, self.sleeper, 1)
        self.redact = Redact(
            reader=reader,
            policy=POLICY,
            limits=Limits(prompt_bytes=1_000),
            detector=self.detector,
            freshness=self.freshness,
            desk=self.desk,
            copies=Copies(self.desk, self.state.reader, self.archive, decoder, self.clock, self.sleeper),
            telemetry=self.telemetry,
            clock=self.clock,
            sleeper=self.sleeper,
        )
        self.restore = Restore(decoder, self.desk, self.freshness, self.clock)
        self.consents = Consents(reader, self.desk, standing)
        results = schemas().latest(Topic.SUBJECT_RESULTS)
        self.requests = SubjectRequests(reader, self.desk, standing, results, self.freshness, HORIZONS)
        self._offsets: dict[str, int] = {}
        self._published = 0

    def _desk(self) -> Desk:
        audit = AuditWriter(schemas().latest(Topic.AUDIT_EVENTS), Role.VAULT, self.clock, SeededEntropy("audit"))
        return Desk(
            sealer=StateSealer(self.kms),
            kms=self.kms,
            keys=KeyCache(self.kms, self.telemetry),
            policy=POLICY,
            responses=Responses(schemas().latest(Topic.RESPONSES), Topic.RESPONSES),
            audit=audit,
            letters=DeadLetters(schemas().latest(Topic.DEAD_LETTERS), OPENER.sealer(1), audit),
            requests=schemas().latest(Topic.REQUESTS),
            detector_version="fake-1",
            freshness=self.freshness,
            clock=self.clock,
            entropy=SeededEntropy("desk"),
            retention_ms=86_400_000,
            atomic=self.atomic,
        )

    # records

    def inbound(self, topic: Topic, key: bytes | None, value: bytes | None, partition: int = 0) -> Inbound:
        """A record as it is read now, at the next offset of its topic."""
        offset = self._offsets[topic] = self._offsets.get(topic, -1) + 1
        return Inbound(topic, partition, offset, self.clock.now_ms(), key, value)

    def prompt(self, text: str = f"Please answer {NAME}.", **fields: Any) -> Inbound:
        """A prompt of the one data subject of these tests."""
        given = {"tenant": "acme", "subject": "anna", "purpose": "support", "messages": [("user", text)], "event_id": "event-1"} | fields
        made = Prompt(**given)
        record = made.record(self.clock.now_ms())
        return self.inbound(Topic.PROMPTS, made.key, encode(schemas().latest(Topic.PROMPTS), record))

    def consent(self, purpose: str | None, decision: str, **fields: Any) -> Inbound:
        """A decision of the data subject."""
        record = {
            "tenant": "acme",
            "subject": "anna",
            "purpose": purpose,
            "decision": decision,
            "decided_at": self.clock.now_ms(),
            "source": "test",
        } | fields
        key = Subject(record["tenant"], record["subject"]).key()
        return self.inbound(Topic.CONSENTS, key, encode(schemas().latest(Topic.CONSENTS), record))

    def request(self, kind: str, request_id: str = "right-1") -> Inbound:
        """An erasure or an export for the data subject."""
        record = {"request_id": request_id, "tenant": "acme", "subject": "anna", "kind": kind, "requested_at": self.clock.now_ms()}
        return self.inbound(Topic.SUBJECT_REQUESTS, Subject("acme", "anna").key(), encode(schemas().latest(Topic.SUBJECT_REQUESTS), record))

    def completion(self, request: dict[str, Any], text: str | None = None, code: str = "ok", **fields: Any) -> Inbound:
        """What egress makes of a request; without a text it repeats the last message."""
        said = request["messages"][-1]["content"] if text is None and code == "ok" else text
        record = {
            "request_id": request["request_id"],
            "reference": request["reference"],
            "tenant": request["tenant"],
            "purpose": request["purpose"],
            "code": code,
            "text": said,
            "finish_reason": "stop",
            "provider": request["provider"],
            "model": request["model"],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5},
            "provider_request_id": "req_1",
            "calls": 1,
            "completed_at": self.clock.now_ms(),
            "sealed": request["sealed"],
        } | fields
        return self.inbound(Topic.COMPLETIONS, request["reference"], encode(schemas().latest(Topic.COMPLETIONS), record))

    # decisions

    async def decide(self, stage: Stage, record: Inbound) -> Effects:
        """Prepare and decide; nothing is carried out."""
        return (await stage.prepare(record)).decide(0, self.state)

    async def handle(self, stage: Stage, record: Inbound) -> Effects:
        """Prepare, decide and carry out."""
        return self._done(await self.decide(stage, record))

    async def accepted(self, record: Inbound | None = None) -> dict[str, Any]:
        """A prompt that was let through: its request."""
        return on(await self.handle(self.redact, record or self.prompt()), Topic.REQUESTS)[0]

    def swept(self) -> list[Effects]:
        """Decide and carry out everything that is due."""
        return [self._done(prepared.decide(0, self.state)) for prepared in VaultSweep(self.desk).due(0, self.state)]

    def _done(self, effects: Effects) -> Effects:
        self.state.carry_out(effects, self._published)
        self.archive.keep(effects, self._published)
        self._published += len(effects.outputs)
        return effects

    # a look into the state

    @property
    def vault(self) -> VaultState:
        return VaultState(self.state, self.desk.sealer)

    @property
    def digest(self) -> bytes:
        return self.vault.digest(Subject("acme", "anna"))

    def outcome(self, event_id: str = "event-1") -> Outcome | None:
        """What is remembered of a prompt."""
        return self.vault.outcome(self.vault.outcome_key(Subject("acme", "anna"), event_id))

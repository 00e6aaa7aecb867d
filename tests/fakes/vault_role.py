"""The role vault in one hand: its real use cases over fakes, one partition, decided as the runtime would."""

from __future__ import annotations

import asyncio
from typing import Any

from streamgate.client import Prompt
from streamgate.codec import Decoder, SchemaSet, encode, packaged_schemas
from streamgate.consent import Policy
from streamgate.detect import EntityType
from streamgate.minimise import Limits
from streamgate.pipeline._desk import Desk, KeyCache
from streamgate.pipeline._publish import AuditWriter, DeadLetters, Responses
from streamgate.pipeline._screen import partition_of
from streamgate.pipeline.consents import Consents, Standing
from streamgate.pipeline.ports.stage import Effects, Output, Stage
from streamgate.pipeline.redact import Redact
from streamgate.pipeline.restore import Restore
from streamgate.pipeline.subject_requests import SubjectRequests
from streamgate.pipeline.sweep import VaultSweep
from streamgate.rights import Horizons
from streamgate.types import Inbound, Role, Subject, Topic
from streamgate.vault import DeadLetterOpener, SecretKey, StateSealer
from tests.fakes.detector import FakeDetector
from tests.fakes.effects import FakeClock, FakeSleeper, SeededEntropy
from tests.fakes.freshness import FakeFreshness
from tests.fakes.kms import FakeKms
from tests.fakes.state import FakeState
from tests.fakes.telemetry import FakeTelemetry

SCHEMAS = SchemaSet.load(packaged_schemas())
PARTITIONS = 3
RETENTION_MS = 7 * 86_400_000


class VaultRole:
    """Give it records; look at what it would publish and at its state."""

    def __init__(self, policy: Policy) -> None:
        self.clock, self.entropy, self.kms = FakeClock(), SeededEntropy("vault"), FakeKms()
        self.telemetry, self.state = FakeTelemetry(), FakeState()
        self.freshness = FakeFreshness(read_until_ms=2**60)
        self.detector = FakeDetector(**{"Maria Gonzalez": EntityType.PERSON, "maria@example.com": EntityType.EMAIL})
        self.opener = DeadLetterOpener({1: SecretKey(bytes(range(32)))})
        self.offsets: dict[str, int] = {}
        self.published: list[Output] = []
        audit = AuditWriter(SCHEMAS.latest(Topic.AUDIT_EVENTS), Role.VAULT, self.clock, self.entropy)
        self.desk = Desk(
            sealer=StateSealer(self.kms),
            kms=self.kms,
            keys=KeyCache(self.kms, self.telemetry),
            policy=policy,
            responses=Responses(SCHEMAS.latest(Topic.RESPONSES), Topic.RESPONSES),
            audit=audit,
            letters=DeadLetters(SCHEMAS.latest(Topic.DEAD_LETTERS), self.opener.sealer(1), audit),
            requests=SCHEMAS.latest(Topic.REQUESTS),
            detector_version=self.detector.version,
            freshness=self.freshness,
            clock=self.clock,
            entropy=self.entropy,
            retention_ms=RETENTION_MS,
        )
        self.stages = {stage.topic: stage for stage in self._stages(policy)}

    def _stages(self, policy: Policy) -> tuple[Stage, ...]:
        decoder, standing = Decoder(SCHEMAS, None), Standing(SCHEMAS.latest(Topic.STANDING))
        redact = Redact(
            decoder=decoder,
            policy=policy,
            limits=Limits(),
            detector=self.detector,
            freshness=self.freshness,
            desk=self.desk,
            telemetry=self.telemetry,
            clock=self.clock,
            sleeper=FakeSleeper(self.clock),
            partitions=PARTITIONS,
        )
        horizons = Horizons(topic_retention_days={}, provider_name="P", provider_log_days=30, compaction_seconds=60)
        results = SCHEMAS.latest(Topic.SUBJECT_RESULTS)
        requests = SubjectRequests(decoder, self.desk, standing, results, self.freshness, horizons, PARTITIONS)
        return redact, Restore(decoder, self.desk, self.freshness, self.clock), Consents(decoder, self.desk, standing, PARTITIONS), requests

    def record(self, topic: str, subject: Subject, fields: dict[str, Any]) -> Inbound:
        """A record as its producer would have written it, on its partition, at the topic's next offset."""
        offset = self.offsets[topic] = self.offsets.get(topic, -1) + 1
        partition = partition_of(subject.key(), PARTITIONS)
        value = encode(SCHEMAS.latest(topic), fields)
        return Inbound(topic, partition, offset, self.clock.now_ms(), subject.key(), value)

    def prompt(self, text: str = "I am Maria Gonzalez, maria@example.com", **changes: Any) -> Inbound:
        """A prompt."""
        fields: dict[str, Any] = {"tenant": "acme", "subject": "s-1", "purpose": "support", "messages": [("user", text)], "event_id": "e-1"}
        prompt = Prompt(**(fields | changes))
        return self.record(Topic.PROMPTS, Subject(prompt.tenant, prompt.subject), prompt.record(self.clock.now_ms()))

    def completion(self, request: dict[str, Any], text: str | None, code: str = "ok") -> Inbound:
        """What egress answers to a request."""
        fields = {name: request[name] for name in ("request_id", "reference", "tenant", "purpose", "model", "sealed")}
        fields |= {"code": code, "text": text, "finish_reason": "stop", "calls": 1, "completed_at": self.clock.now_ms()}
        return self.record(Topic.COMPLETIONS, Subject("acme", "s-1"), fields)

    def handle(self, record: Inbound) -> Effects:
        """Prepare, decide, carry out."""
        prepared = asyncio.run(self.stages[record.topic].prepare(record))
        return self.done(prepared.decide(record.partition, self.state))

    def sweep(self) -> list[Effects]:
        """What is due now."""
        return [self.done(case.decide(0, self.state)) for case in VaultSweep(self.desk).due(0, self.state)]

    def done(self, effects: Effects) -> Effects:
        """Carry out."""
        self.state.carry_out(effects, first_offset=len(self.published))
        self.published += effects.outputs
        return effects


def read(effects: Effects, topic: str) -> list[dict[str, Any]]:
    """Records of one topic that a decision published, decoded."""
    schema = SCHEMAS.latest(topic)
    return [schema.decode((output.value or b"")[10:]) for output in effects.outputs if output.topic == topic]

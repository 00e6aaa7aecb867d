"""Redact: a prompt in, a masked request out, or its refusal.

``prepare`` reads, minimises and detects; ``decide`` looks at the subject's state and masks. Nothing that was read in the clear is in what
``decide`` publishes to anyone but the producer's own reply topic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streamgate.codec import Decoded
from streamgate.consent import Basis, Policy
from streamgate.detect import Detector, EntityType, Span, find_marked
from streamgate.effects import Clock, Sleeper
from streamgate.errors import Code, Failed, RecordError, Refused, Unavailable, Unreadable
from streamgate.minimise import (
    EVENT_ID_CHARACTERS,
    Envelope,
    Limits,
    Minimised,
    Segment,
    Treatment,
    minimise,
    plan,
    read_envelope,
)
from streamgate.pipeline._copies import Copies
from streamgate.pipeline._decide_prompt import PromptCase, Ready
from streamgate.pipeline._desk import Desk
from streamgate.pipeline._reader import PAUSE_SECONDS, Reader
from streamgate.pipeline._recent import FRESHNESS_GIVES_UP_MS, until_recent
from streamgate.pipeline._screen import Route, screen
from streamgate.pipeline._undeliverable import Undeliverable
from streamgate.pipeline.ports.freshness import Freshness
from streamgate.pipeline.ports.stage import Effects, Prepared, Stale, StateView
from streamgate.telemetry import DetectionTimed, PartUnavailable, Telemetry
from streamgate.types import Inbound, Subject, Topic

ENTITIES = {entity.value: entity for entity in EntityType}


@dataclass(frozen=True, slots=True)
class Redact:
    """The stage over ``prompts``, and over ``prompts.bulk``."""

    reader: Reader
    policy: Policy
    limits: Limits
    detector: Detector
    freshness: Freshness
    desk: Desk
    copies: Copies
    telemetry: Telemetry
    clock: Clock
    sleeper: Sleeper
    topic: str = Topic.PROMPTS
    ordered: bool = False

    def poisoned(self, record: Inbound) -> Prepared:
        """End a prompt on which our own code failed, as ``internal_error``."""
        return _Poisoned(self, record)

    async def prepare(self, record: Inbound) -> Prepared:
        """Read, screen, minimise, detect, and wait until what is known of consents is recent enough."""
        try:
            decoded = await self.reader.read(self.topic, record)
        except Unreadable as error:
            return Undeliverable(self.desk, record, error.code)
        entered = self.enter(record, decoded)
        if isinstance(entered, Undeliverable):
            return entered
        envelope, route = entered
        content = self.desk.content(decoded)
        published = await self.copies.published(record.partition, envelope, content, route.deadline_ms)
        if published is not None:
            # Consent is looked at under the same rule as for a new prompt; a copy that would be too late for it is counted.
            await until_recent(self.freshness, self.clock, record.partition, 0, self.clock.now_ms() + FRESHNESS_GIVES_UP_MS)
            return PromptCase(self.desk, record, envelope, route, content, published)
        try:
            return PromptCase(self.desk, record, envelope, route, content, await self._ready(record, decoded, envelope, route))
        except RecordError as error:
            return PromptCase(self.desk, record, envelope, route, content, error)

    def enter(self, record: Inbound, decoded: Decoded) -> tuple[Envelope, Route] | Undeliverable:
        """Read the envelope and look up what the policy says of it."""
        try:
            envelope = read_envelope(decoded.schema, decoded.record)
        except Unreadable as error:
            return Undeliverable(self.desk, record, error.code)
        except RecordError as error:
            # The identity can be read, another part of the envelope cannot: answer with the code alone.
            return Undeliverable(self.desk, record, error.code, _event_id(decoded))
        misplaced = self.reader.misplaced(record, envelope.subject)
        if misplaced is not None:
            return Undeliverable(self.desk, record, misplaced, envelope.event_id)
        route = screen(envelope, self.policy, arrived_ms=record.timestamp_ms)
        if isinstance(route, Code):
            return Undeliverable(self.desk, record, route, envelope.event_id, dead_letter=False)
        return envelope, route

    async def _ready(self, record: Inbound, decoded: Decoded, envelope: Envelope, route: Route) -> Ready:
        if route.refusal is not None:
            raise Refused(route.refusal)
        if route.deadline_ms <= self.clock.now_ms():
            raise Failed(Code.DEADLINE_EXCEEDED)
        minimised = minimise(plan(decoded.schema, envelope.purpose), decoded.record, self.limits)
        spans = await self._detect(minimised, envelope.subject, route.deadline_ms)
        known_until = record.timestamp_ms if _needs_consent(route) else 0
        if not await until_recent(self.freshness, self.clock, record.partition, known_until, route.deadline_ms):
            raise Failed(Code.DEADLINE_EXCEEDED)
        return Ready(minimised, spans)

    async def _detect(self, minimised: Minimised, subject: Subject, deadline_ms: int) -> dict[int, tuple[Span, ...]]:
        """Spans of every free-text segment, by the segment's ``id``. While the detector is down the prompt waits, then is refused."""
        segments = scanned(minimised)
        texts = [segment.text for segment in segments]
        started, waited = self.clock.monotonic(), False
        while True:
            try:
                found = await self.detector.detect(texts)
                if waited:
                    self.telemetry.emit(PartUnavailable("detector", available=True))
                break
            except Unavailable:
                waited = True
                self.telemetry.emit(PartUnavailable("detector", available=False))
                if self.clock.now_ms() >= deadline_ms:
                    raise Refused(Code.DETECTOR_UNAVAILABLE) from None
                await self.sleeper.sleep(PAUSE_SECONDS)
        if len(found) != len(texts):
            raise Refused(Code.DETECTOR_UNAVAILABLE)
        self.telemetry.emit(DetectionTimed(self.clock.monotonic() - started, sum(map(len, texts))))
        everywhere = find_marked(texts, found, marked(minimised, subject))
        by_segment = {id(segment): spans for segment, spans in zip(segments, everywhere, strict=True)}
        if any(by_segment[id(segment)] for segment in minimised.stop):
            raise Refused(Code.INVALID_FIELD, "parameters.stop")
        return by_segment


@dataclass(frozen=True, slots=True)
class _Poisoned:
    """A prompt on which our own code failed, or that took longer than any deadline."""

    stage: Redact
    record: Inbound

    def decide(self, partition: int, state: StateView) -> Effects:
        """Answer it where its envelope can be read; where even that fails, keep it as a dead letter, so that it holds up nothing."""
        desk, record = self.stage.desk, self.record
        last_resort = Undeliverable(desk, record, Code.INTERNAL_ERROR)
        try:
            decoded = self.stage.reader.decoder.decode_known(self.stage.topic, record.value)
            entered = self.stage.enter(record, decoded)
            if isinstance(entered, Undeliverable):
                return entered.decide(partition, state)
            case = PromptCase(desk, record, *entered, desk.content(decoded), Failed(Code.INTERNAL_ERROR))
            return case.decide(partition, state)
        except Stale:
            raise
        except Exception:  # noqa: BLE001  the runtime has reported what failed first; a second failure must not stop the partition
            return last_resort.decide(partition, state)


def _needs_consent(route: Route) -> bool:
    """Whether a refusal for want of consent is possible: it may be said only when everything up to the prompt's arrival is known."""
    return route.purpose is not None and route.purpose.basis is Basis.CONSENT


def marked(minimised: Minimised, subject: Subject) -> Iterator[tuple[str, EntityType]]:
    """What the schema protects in other fields, and who the prompt is about: it must not stand in free text either."""
    yield subject.subject_id, EntityType.ACCOUNT
    for value, entity in minimised.marked:
        yield value, ENTITIES.get(entity or "", EntityType.OTHER)


def scanned(minimised: Minimised) -> Sequence[Segment]:
    """Every segment whose text a detector must see."""
    of_messages = [segment for message in minimised.messages for segment in message.segments]
    candidates = [*of_messages, *minimised.context, *minimised.stop]
    return [segment for segment in candidates if segment.treatment is Treatment.SCAN]


def _event_id(decoded: Decoded) -> str | None:
    """The event id of a record whose envelope is otherwise wrong, where it is well-formed text."""
    for path, rule in decoded.schema.rules.items():
        if rule.role == "event_id":
            value = decoded.record.get(path)
            return value if isinstance(value, str) and len(value) <= EVENT_ID_CHARACTERS else None
    return None

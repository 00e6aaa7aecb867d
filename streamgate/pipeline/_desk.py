"""What every decision of vault has at hand."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from streamgate.audit import AuditFact, known_name
from streamgate.codec import Decoded, Schema
from streamgate.consent import Policy
from streamgate.effects import Clock, Entropy
from streamgate.errors import Code, SealBroken, Status
from streamgate.pipeline._content import content
from streamgate.pipeline._lanes import Lanes
from streamgate.pipeline._letters import DeadLetters
from streamgate.pipeline._outcome import Outcome, Source
from streamgate.pipeline._publish import Answer, AuditWriter, Responses
from streamgate.pipeline._vaultstate import VaultState, expiry_row, timer_row
from streamgate.pipeline.ports.freshness import Freshness
from streamgate.pipeline.ports.stage import Effects, Output, Row
from streamgate.rights import Enrolment
from streamgate.telemetry import Fact, KeyCacheUsed, PromptFinished, Telemetry
from streamgate.vault import Kms, StateSealer, SubjectKey

RECHECK_MS = 10_000
"""A decided outcome is looked at again after this long, to see that its response was published."""

FACT_OF = {
    Status.ANSWERED: AuditFact.PROMPT_ANSWERED,
    Status.REFUSED: AuditFact.PROMPT_REFUSED,
    Status.FAILED: AuditFact.PROMPT_FAILED,
}


@dataclass(slots=True)
class KeyCache:
    """Opened subject keys, the most recently used ones only. Erasure evicts at once."""

    kms: Kms
    telemetry: Telemetry
    size: int = 10_000
    _keys: OrderedDict[tuple[bytes, bytes], SubjectKey] = field(default_factory=OrderedDict)

    def open(self, digest: bytes, enrolment: Enrolment, wrapped: bytes) -> SubjectKey:
        """The subject's key; raise ``SealBroken`` where it does not open."""
        place = (digest, enrolment.key_id)
        key = self._keys.get(place)
        self.telemetry.emit(KeyCacheUsed(hit=key is not None))
        if key is None:
            key = SubjectKey.open(self.kms, wrapped, enrolment.key_id, digest, enrolment.incarnation)
            self._keys[place] = key
            while len(self._keys) > self.size:
                self._keys.popitem(last=False)
        self._keys.move_to_end(place)
        return key

    def clear(self) -> None:
        """Forget every key: partitions went to another worker, and erasures there are not seen here."""
        self._keys.clear()

    def evict(self, digest: bytes) -> None:
        """Forget every key of a subject."""
        for place in [place for place in self._keys if place[0] == digest]:
            del self._keys[place]


@dataclass(frozen=True, slots=True)
class Desk:
    """Tools shared by vault's decisions; all of them are safe to use synchronously."""

    sealer: StateSealer
    kms: Kms
    keys: KeyCache
    policy: Policy
    responses: Responses
    audit: AuditWriter
    letters: DeadLetters
    requests: Schema
    detector_version: str
    freshness: Freshness
    clock: Clock
    entropy: Entropy
    retention_ms: int
    """How long an outcome is kept after it ended; the retention of the response topics."""
    lanes: Lanes = field(default_factory=Lanes)
    atomic: bool = True
    """Whether all effects of a decision are one transaction. The embedded broker has none: there what was decided is looked at again."""

    def conclude(self, vault: VaultState, key: bytes, decided: Outcome, answer: Answer | None = None) -> Effects:
        """End a prompt: its outcome, its response, the audit event, and where the response stands."""
        self.lanes.ended(decided.tenant, decided.request_id)
        if self.atomic:
            timers = (*vault.timers_stopped(decided.deadline_ms, key), expiry_row(decided.decided_ms + self.retention_ms, key))
        else:
            timers = (self.recheck(key),)
        kept = decided.forget() if self.atomic and decided.code is Code.SUBJECT_ERASED else decided
        return Effects(
            rows=(vault.outcome_row(key, decided), *timers),
            outputs=(self.responses.of(decided, answer, vault.settle(key, kept)), self._audited(decided, answer)),
            facts=(self._finished(decided),),
        )

    def repeat(self, vault: VaultState, key: bytes, decided: Outcome, answer: Answer | None = None) -> Effects:
        """Publish the same response again, after a crash between decision and offset."""
        return Effects(outputs=(self.responses.of(decided, answer, vault.settle(key, decided)),))

    def content(self, decoded: Decoded) -> str:
        """A keyed digest of what a prompt says."""
        return self.sealer.digest(b"content", content(decoded)).hex()

    def drained(self) -> None:
        """Partitions are given up: what is remembered of their subjects goes."""
        self.keys.clear()
        self.lanes.clear()

    def recheck(self, key: bytes) -> Row:
        """The timer that looks whether a decided outcome was published."""
        return timer_row(self.clock.now_ms() + RECHECK_MS, key)

    def subject_key(self, vault: VaultState, digest: bytes, enrolment: Enrolment) -> SubjectKey:
        """The subject's opened key; raise ``SealBroken`` when it was destroyed or does not open."""
        wrapped = vault.wrapped_key(digest, enrolment)
        if wrapped is None:
            raise SealBroken("no key row")
        return self.keys.open(digest, enrolment, wrapped)

    def _audited(self, decided: Outcome, answer: Answer | None) -> Output:
        return self.audit.output(
            FACT_OF[decided.status or Status.FAILED],
            request_id=bytes.fromhex(decided.request_id) or None,
            tenant=known_name(decided.tenant, self.policy.tenants),
            purpose=known_name(decided.purpose, self.policy.purposes),
            basis=decided.basis or None,
            model=known_name(decided.model, self.policy.models()),
            code=decided.code.value,
            counts={} if answer is None else {"restored": answer.restored, "unresolved": answer.unresolved},
            timings_ms={"total": max(0, decided.decided_ms - decided.arrived_ms)},
            policy_version=self.policy.version,
        )

    def _finished(self, decided: Outcome) -> Fact:
        seconds = max(0, decided.decided_ms - decided.arrived_ms) / 1000
        return PromptFinished(decided.status or Status.FAILED, decided.code, seconds)


def source_of(topic: str, offset: int) -> Source:
    """The record that decided."""
    return Source(str(topic), offset)

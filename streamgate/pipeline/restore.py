"""Restore: a completion in, the prompt's one terminal response out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streamgate.audit import AuditFact
from streamgate.codec import Decoder
from streamgate.consent import Denied, decide
from streamgate.effects import Clock
from streamgate.errors import Code, RecordError, SealBroken, Status, Unavailable
from streamgate.pipeline._context import RequestContext
from streamgate.pipeline._desk import Desk, source_of
from streamgate.pipeline._issue import request_aad
from streamgate.pipeline._outcome import Outcome, Phase
from streamgate.pipeline._publish import Answer
from streamgate.pipeline._recent import FRESHNESS_GIVES_UP_MS, recent, until_recent
from streamgate.pipeline._undeliverable import Undeliverable
from streamgate.pipeline._vaultstate import VaultState
from streamgate.pipeline.ports.freshness import Freshness
from streamgate.pipeline.ports.stage import LARGEST_OUTPUT_BYTES, Effects, Prepared, Stale, StateView
from streamgate.telemetry import LateCompletion, LatencyAdded, TokensRestored
from streamgate.types import Inbound, Subject, Topic
from streamgate.vault import TokenMap, restore

REFUSALS = frozenset(
    {Code.NO_CONSENT, Code.CONSENT_WITHDRAWN, Code.SUBJECT_ERASED, Code.FINAL_SCAN_HIT, Code.PROVIDER_REFUSED},
)
"""Codes of a completion that end a prompt as refused; every other one but ``ok`` ends it as failed."""


@dataclass(frozen=True, slots=True)
class Restore:
    """The stage over ``completions``."""

    decoder: Decoder
    desk: Desk
    freshness: Freshness
    clock: Clock
    topic: str = Topic.COMPLETIONS
    ordered: bool = False

    def poisoned(self, record: Inbound) -> Prepared:
        """Dead-letter a completion on which our own code failed; its prompt is closed by its deadline."""
        return Undeliverable(self.desk, record, Code.INTERNAL_ERROR)

    async def prepare(self, record: Inbound) -> Prepared:
        """Decode, and wait until what is known of consents is recent enough."""
        try:
            decoded = await self.decoder.decode(self.topic, record.value)
        except (RecordError, Unavailable) as error:
            return Undeliverable(self.desk, record, error.code)
        give_up_ms = self.clock.now_ms() + FRESHNESS_GIVES_UP_MS
        if not await until_recent(self.freshness, self.clock, record.partition, 0, give_up_ms):
            # Not answered under what is known no longer to be recent; the sweep ends its prompt at its deadline.
            return Undeliverable(self.desk, record, Code.DEADLINE_EXCEEDED)
        return CompletionCase(self.desk, record, decoded.record)


@dataclass(frozen=True, slots=True, repr=False)
class CompletionCase:
    """One completion, ready to be decided."""

    desk: Desk
    record: Inbound
    completion: dict[str, Any]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Publish what the completion says, unless its prompt has ended or may not be answered any more."""
        vault = VaultState(state, self.desk.sealer)
        found = vault.referenced(self.completion["reference"])
        if found is None:
            return self._late()
        try:
            return self._decide(partition, vault, *found)
        except SealBroken:
            return Undeliverable(self.desk, self.record, Code.KEY_UNAVAILABLE).decide(partition, state)

    def _late(self) -> Effects:
        """Its prompt has ended, or its subject was erased: dropped and counted."""
        return Effects(outputs=(self.desk.audit.output(AuditFact.LATE_COMPLETION),), facts=(LateCompletion(),))

    def _decide(self, partition: int, vault: VaultState, digest: bytes, incarnation: int) -> Effects:
        enrolment = vault.enrolment(digest)
        if enrolment is None or enrolment.incarnation != incarnation:
            return self._late()
        keys = self.desk.subject_key(vault, digest, enrolment).for_purpose(self.completion["purpose"])
        aad = request_aad(self.completion["tenant"], self.completion["purpose"], digest, incarnation, self.completion["request_id"])
        context = RequestContext.from_bytes(keys.open(self.completion["sealed"], aad))
        subject = Subject(self.completion["tenant"], context.subject_id)
        key = vault.outcome_key(subject, context.event_id)
        outcome = vault.outcome(key)
        by = source_of(self.record.topic, self.record.offset)
        if outcome is None or outcome.request_id != self.completion["request_id"].hex():
            return self._late()
        if outcome.phase is not Phase.OPEN and outcome.decided_by != by:
            return self._late()
        if outcome.phase is Phase.OPEN:
            if not recent(self.desk.freshness, self.desk.clock, partition):
                raise Stale
            return self._conclude(vault, key, digest, outcome, context)
        answer = self._answer(context) if outcome.status is Status.ANSWERED else None
        return self.desk.repeat(vault, key, outcome, answer)

    def _conclude(self, vault: VaultState, key: bytes, digest: bytes, outcome: Outcome, context: RequestContext) -> Effects:
        code = self._code(vault, digest, outcome)
        by = source_of(self.record.topic, self.record.offset)
        if code is not Code.OK:
            status = Status.REFUSED if code in REFUSALS else Status.FAILED
            return self.desk.conclude(vault, key, outcome.decided(status, code, by, self.desk.clock.now_ms()))
        answer = self._answer(context)
        effects = self.desk.conclude(vault, key, outcome.decided(Status.ANSWERED, code, by, self.desk.clock.now_ms()), answer)
        if any(len(output.value or b"") > LARGEST_OUTPUT_BYTES for output in effects.outputs):
            unusable = outcome.decided(Status.FAILED, Code.PROVIDER_INVALID_REPLY, by, self.desk.clock.now_ms())
            return self.desk.conclude(vault, key, unusable)
        restored = TokensRestored(answer.restored, answer.recovered, answer.unresolved)
        added = LatencyAdded("restore", max(0, self.desk.clock.now_ms() - self.record.timestamp_ms) / 1000)
        return Effects(effects.rows, effects.outputs, (*effects.facts, restored, added))

    def _code(self, vault: VaultState, digest: bytes, outcome: Outcome) -> Code:
        """How the prompt ends: consent and deadline are looked at once more before an answer is published."""
        try:
            code = Code(self.completion["code"])
        except ValueError:
            return Code.INTERNAL_ERROR
        purpose = self.desk.policy.purpose(outcome.purpose)
        if purpose is None:
            return Code.UNKNOWN_PURPOSE
        verdict = decide(purpose, vault.consents(digest))
        if isinstance(verdict, Denied):
            return verdict.code
        late = outcome.deadline_ms <= self.desk.clock.now_ms()
        if late or (code is Code.OK and self.completion["text"] is None):
            return Code.DEADLINE_EXCEEDED if late else Code.PROVIDER_INVALID_REPLY
        return code

    def _answer(self, context: RequestContext) -> Answer:
        restored = restore(self.completion["text"] or "", TokenMap.from_bytes(context.token_map))
        return Answer(
            text=restored.text,
            finish_reason=self.completion["finish_reason"],
            model=self.completion["model"],
            usage=self.completion["usage"],
            provider_request_id=self.completion["provider_request_id"],
            restored=restored.restored,
            recovered=restored.recovered,
            unresolved=restored.unresolved,
            carried=context.carried,
        )

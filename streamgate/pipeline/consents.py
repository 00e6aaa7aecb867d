"""Consents: a data subject's decision in, its effect on state and on what egress may still send out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from streamgate.audit import AuditFact
from streamgate.codec import Schema, encode
from streamgate.consent import Basis, ConsentEvent, Decision, apply
from streamgate.errors import Code, RecordError
from streamgate.pipeline._desk import Desk
from streamgate.pipeline._original import first_offset
from streamgate.pipeline._reader import Reader
from streamgate.pipeline._undeliverable import Undeliverable
from streamgate.pipeline._vaultstate import VaultState
from streamgate.pipeline.ports.stage import Effects, Output, Prepared, StateView
from streamgate.rights import admits
from streamgate.telemetry import ConsentChanged
from streamgate.types import Inbound, Subject, Topic

AUDITED = {Decision.GRANT: AuditFact.CONSENT_GRANTED, Decision.WITHDRAW: AuditFact.CONSENT_WITHDRAWN}


@dataclass(frozen=True, slots=True)
class Standing:
    """Makes records of the standing topic."""

    schema: Schema

    def forbidden(self, reference: bytes, purpose: str | None, consents_offset: int, at_ms: int) -> Output:
        """From now on this purpose (or every one) is forbidden for the reference, for whatever was approved before ``consents_offset``."""
        record = {"kind": "forbidden", "reference": reference, "purpose": purpose, "consents_offset": consents_offset, "at": at_ms}
        return Output(Topic.STANDING, reference + (purpose or "").encode(), encode(self.schema, record))

    def watermark(self, consents_offset: int, at_ms: int) -> tuple[bytes, bytes]:
        """Key and value of the record that says how far vault has read."""
        record = {"kind": "watermark", "reference": None, "purpose": None, "consents_offset": consents_offset, "at": at_ms}
        return b"watermark", encode(self.schema, record)


@dataclass(frozen=True, slots=True)
class Consents:
    """The stage over ``consents``."""

    reader: Reader
    desk: Desk
    standing: Standing
    topic: str = Topic.CONSENTS
    ordered: bool = True

    def poisoned(self, record: Inbound) -> Prepared:
        """Dead-letter a record on which our own code failed."""
        return Undeliverable(self.desk, record, Code.INTERNAL_ERROR)

    async def prepare(self, record: Inbound) -> Prepared:
        """Decode, and check that the record stands where its subject's events are decided."""
        try:
            subject, decoded = await self.reader.read_of_subject(self.topic, record)
        except RecordError as error:
            return Undeliverable(self.desk, record, error.code)
        return ConsentCase(self.desk, self.standing, record, subject, decoded)


@dataclass(frozen=True, slots=True, repr=False)
class ConsentCase:
    """One decision of a data subject."""

    desk: Desk
    standing: Standing
    record: Inbound
    subject: Subject
    consent: dict[str, Any]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Apply it; where it withdraws, tell egress."""
        vault = VaultState(state, self.desk.sealer)
        digest = vault.digest(self.subject)
        enrolment = vault.enrolment(digest)
        if not admits(enrolment, self.record.topic, first_offset(self.record)):
            return Effects()  # said before an erasure: forgotten with everything else
        event = ConsentEvent(
            purpose=self.consent["purpose"],
            decision=Decision(self.consent["decision"]),
            decided_at_ms=self.consent["decided_at"],
            offset=self.record.offset,
        )
        applied = apply(vault.consents(digest), event, now_ms=self.desk.clock.now_ms())
        if applied.code is Code.INVALID_FIELD:
            return Undeliverable(self.desk, self.record, applied.code).decide(partition, state)
        if not applied.effective:
            return Effects()
        reference = None if enrolment is None or enrolment.erased_at_ms is not None else enrolment.reference
        outputs = () if reference is None or event.decision is Decision.GRANT else self._forbidden(reference, event)
        known = None if event.purpose is None or self.desk.policy.purpose(event.purpose) is None else event.purpose
        tenant = self.subject.tenant if self.desk.policy.tenant(self.subject.tenant) else None
        audited = self.desk.audit.output(
            AUDITED[event.decision],
            reference=reference,
            tenant=tenant,
            purpose=known,
            policy_version=self.desk.policy.version,
        )
        return Effects((vault.consents_row(self.subject, applied.state),), (*outputs, audited), (ConsentChanged(event.decision.value),))

    def _forbidden(self, reference: bytes, event: ConsentEvent) -> tuple[Output, ...]:
        """What egress must not call any more: the purposes that this withdrawal stops, and no other."""
        now_ms = self.desk.clock.now_ms()
        stopped = [
            purpose.name
            for purpose in self.desk.policy.purposes.values()
            if event.purpose in {None, purpose.name} and (purpose.basis is Basis.CONSENT or purpose.stoppable)
        ]
        return tuple(self.standing.forbidden(reference, name, self.record.offset + 1, now_ms) for name in stopped)

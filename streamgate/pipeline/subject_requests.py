"""Subject requests: erasure (GDPR Art. 17, CCPA 1798.105) and export (Art. 15 and 20, CCPA 1798.110)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from streamgate.audit import AuditFact
from streamgate.codec import Schema, encode
from streamgate.errors import Code, RecordError, Status, Unavailable
from streamgate.pipeline._desk import Desk, source_of
from streamgate.pipeline._original import first_offset
from streamgate.pipeline._outcome import Outcome, Phase
from streamgate.pipeline._reader import PAUSE_SECONDS, Reader
from streamgate.pipeline._undeliverable import Undeliverable
from streamgate.pipeline._vaultstate import VaultState
from streamgate.pipeline.consents import Standing
from streamgate.pipeline.ports.freshness import Freshness
from streamgate.pipeline.ports.stage import Effects, Output, Prepared, Row, StateView
from streamgate.rights import Destroyed, Enrolment, Horizons, admits, erase, erasure_receipt, export_document
from streamgate.telemetry import Fact, SubjectRightExercised
from streamgate.types import Inbound, Subject, Topic

FOREVER: Final = 2**62
"""A consents offset that no approval reaches: what an erasure forbids stays forbidden for that reference."""


@dataclass(frozen=True, slots=True)
class SubjectRequests:
    """The stage over ``subject-requests``."""

    reader: Reader
    desk: Desk
    standing: Standing
    results: Schema
    freshness: Freshness
    horizons: Horizons
    """What only time removes; stated in every receipt and export."""
    topic: str = Topic.SUBJECT_REQUESTS
    ordered: bool = True

    def poisoned(self, record: Inbound) -> Prepared:
        """Dead-letter a record on which our own code failed."""
        return Undeliverable(self.desk, record, Code.INTERNAL_ERROR)

    async def prepare(self, record: Inbound) -> Prepared:
        """Decode; for an erasure, ask the broker where the input topics end now."""
        try:
            subject, decoded = await self.reader.read_of_subject(self.topic, record)
        except RecordError as error:
            return Undeliverable(self.desk, record, error.code)
        if decoded["kind"] == "erase":
            return ErasureCase(self, record, subject, decoded, await self._ends(record.partition))
        return ExportCase(self, record, subject, decoded)

    async def _ends(self, partition: int) -> Mapping[str, int]:
        """Where the input topics end now. An erasure is not given up because the broker does not say."""
        while True:
            try:
                return await self.freshness.input_ends(partition)
            except Unavailable:
                await self.reader.sleeper.sleep(PAUSE_SECONDS)

    def result(self, record: Inbound, subject: Subject, request: Mapping[str, Any], document: str, at_ms: int) -> Output:
        """The record on subject-results."""
        value = {
            "request_id": request["request_id"],
            "tenant": subject.tenant,
            "subject": subject.subject_id,
            "kind": request["kind"],
            "completed_at": at_ms,
            "document": document,
        }
        return Output(Topic.SUBJECT_RESULTS, record.key, encode(self.results, value))


@dataclass(slots=True)
class _Closed:
    """What closing a subject's prompts takes."""

    rows: list[Row] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    forgotten: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class ErasureCase:
    """Destroys what is held of one data subject."""

    stage: SubjectRequests
    record: Inbound
    subject: Subject
    request: dict[str, Any]
    ends: Mapping[str, int]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Keys and references go at once; open prompts end as refused; what lies before the fences is never processed again."""
        desk = self.stage.desk
        vault = VaultState(state, desk.sealer)
        digest = vault.digest(self.subject)
        now_ms = desk.clock.now_ms()
        before = vault.enrolment(digest)
        if before is not None and not admits(before, self.record.topic, first_offset(self.record)):
            return self._again(before, now_ms)
        erased = erase(before, now_ms=now_ms, fences=self.ends)
        keys = vault.key_tombstones(digest)
        decisions = len(vault.consents(digest).latest)
        desk.keys.evict(digest)
        rows: tuple[Row, ...] = (*keys, vault.enrolment_row(self.subject, erased), Row(b"C" + digest, None))
        outputs: tuple[Output, ...] = ()
        reference = None
        if before is not None and before.erased_at_ms is None:
            reference = before.reference
            rows += (Row(b"R" + reference, None),)
            outputs += (self.stage.standing.forbidden(reference, None, FOREVER, now_ms),)
        closed = self._close_open(vault, digest, now_ms)
        destroyed = Destroyed(len(keys), int(reference is not None), decisions, closed.forgotten, len(closed.facts))
        receipt = erasure_receipt(
            request_id=self.request["request_id"], enrolment=erased, destroyed=destroyed, horizons=self.stage.horizons
        )
        audited = desk.audit.output(
            AuditFact.SUBJECT_ERASED,
            reference=reference,
            tenant=self.subject.tenant if desk.policy.tenant(self.subject.tenant) else None,
            counts={"keys_destroyed": len(keys), "prompts_closed": len(closed.facts)},
            policy_version=desk.policy.version,
        )
        return Effects(
            rows=(*rows, *closed.rows),
            outputs=(*outputs, *closed.outputs, self.stage.result(self.record, self.subject, self.request, receipt, now_ms), audited),
            facts=(*closed.facts, SubjectRightExercised("erase")),
        )

    def _again(self, before: Enrolment, now_ms: int) -> Effects:
        """This erasure, or a later one, was carried out already: tell egress and the sender again, and spare who came back since."""
        if before.erased_at_ms is None:
            before = replace(before, incarnation=before.incarnation - 1, erased_at_ms=before.enrolled_at_ms)
            told: tuple[Output, ...] = ()
        else:
            told = (self.stage.standing.forbidden(before.reference, None, FOREVER, now_ms),) if before.incarnation else ()
        receipt = erasure_receipt(
            request_id=self.request["request_id"], enrolment=before, destroyed=Destroyed(0, 0, 0, 0), horizons=self.stage.horizons
        )
        return Effects(outputs=(*told, self.stage.result(self.record, self.subject, self.request, receipt, now_ms)))

    def _close_open(self, vault: VaultState, digest: bytes, now_ms: int) -> _Closed:
        """End the subject's open and stranded prompts, and have every ended one forget whose it was."""
        closed = _Closed()
        by = source_of(self.record.topic, self.record.offset)
        for key, outcome in vault.outcomes(digest):
            if outcome.phase is Phase.SETTLED and not outcome.forgotten:
                closed.rows.append(vault.outcome_row(key, outcome.forget()))
                closed.forgotten += 1
            elif _stranded(outcome) and outcome.status is not Status.ANSWERED:
                taken_over = replace(outcome, decided_by=by)  # so that the sweep repeats it if this one does not get through either
                closed.rows.append(vault.outcome_row(key, taken_over))
                closed.outputs.extend(self.stage.desk.repeat(vault, key, taken_over).outputs)
            elif outcome.phase is Phase.OPEN or _stranded(outcome):
                ended = self.stage.desk.conclude(vault, key, outcome.decided(Status.REFUSED, Code.SUBJECT_ERASED, by, now_ms))
                closed.rows.extend(ended.rows)
                closed.outputs.extend(ended.outputs)
                closed.facts.extend(ended.facts)
        return closed


def _stranded(outcome: Outcome) -> bool:
    """Whether a crash came between a completion's decision and the row that says where its response stands.

    The completion is delivered again, but after the erasure it resolves to nobody and its answer cannot be opened. So the erasure ends
    the prompt. If the crash came after the answer was published, the answer is followed by ``subject_erased``; else nothing would ever be.
    """
    by = outcome.decided_by
    return outcome.phase is Phase.DECIDED and by is not None and by.topic == Topic.COMPLETIONS


@dataclass(frozen=True, slots=True, repr=False)
class ExportCase:
    """Lists what is held of one data subject, and every use that was recorded."""

    stage: SubjectRequests
    record: Inbound
    subject: Subject
    request: dict[str, Any]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Changes nothing that is held; rows of an earlier version say from now on where they belong."""
        desk = self.stage.desk
        vault = VaultState(state, desk.sealer)
        digest = vault.digest(self.subject)
        now_ms = desk.clock.now_ms()
        uses = [outcome for _, outcome in vault.outcomes(digest) if not outcome.forgotten]
        enrolment = vault.enrolment(digest)
        document = export_document(
            request_id=self.request["request_id"],
            subject=self.subject,
            enrolment=enrolment,
            keys=vault.key_count(digest),
            consents=vault.consents(digest).events(),
            uses=uses,
            horizons=self.stage.horizons,
            now_ms=now_ms,
        )
        audited = desk.audit.output(
            AuditFact.SUBJECT_EXPORTED,
            reference=None if enrolment is None else enrolment.reference,
            tenant=self.subject.tenant if desk.policy.tenant(self.subject.tenant) else None,
            counts={"uses": len(uses)},
            policy_version=desk.policy.version,
        )
        result = self.stage.result(self.record, self.subject, self.request, document, now_ms)
        return Effects(vault.housed(self.subject), (result, audited), (SubjectRightExercised("export"),))

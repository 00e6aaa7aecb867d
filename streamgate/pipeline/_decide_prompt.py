"""How a prompt is decided, given the subject's state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from streamgate.audit import AuditFact
from streamgate.consent import Denied, decide
from streamgate.detect import Span
from streamgate.errors import Code, Failed, RecordError, Refused, SealBroken, Status
from streamgate.minimise import Envelope, Minimised
from streamgate.pipeline._copies import Published, repeat_published, repeatable
from streamgate.pipeline._desk import Desk, source_of
from streamgate.pipeline._issue import Issue
from streamgate.pipeline._original import first_offset
from streamgate.pipeline._outcome import Outcome, Phase
from streamgate.pipeline._recent import recent
from streamgate.pipeline._screen import Route
from streamgate.pipeline._vaultstate import VaultState, timer_row
from streamgate.pipeline.ports.stage import Effects, Output, Row, Stale, StateView
from streamgate.rights import Enrolment, admits, enrol
from streamgate.telemetry import CopySeen, DeadLettered, Fact, LatencyAdded, PromptAccepted, PromptMoved
from streamgate.types import Inbound, Topic
from streamgate.vault import SubjectKey


@dataclass(frozen=True, slots=True, repr=False)
class Ready:
    """A prompt that was minimised and looked through, and may be masked if the subject's state allows."""

    minimised: Minimised
    spans: Mapping[int, tuple[Span, ...]]
    """Of each free-text segment, by the segment's ``id``."""


@dataclass(frozen=True, slots=True, repr=False)
class PromptCase:
    """One prompt that will have an outcome row: ready to be masked, or ended already by an error."""

    desk: Desk
    record: Inbound
    envelope: Envelope
    route: Route
    content: str
    """Keyed digest of what the prompt says."""
    claim: Ready | Published | RecordError

    def decide(self, partition: int, state: StateView) -> Effects:
        """Answer a known prompt from its outcome; refuse what an erasure covers; else mask it or say why not."""
        vault = VaultState(state, self.desk.sealer)
        digest = vault.digest(self.envelope.subject)
        enrolment = vault.enrolment(digest)
        key = vault.outcome_key(self.envelope.subject, self.envelope.event_id)
        known = vault.outcome(key)
        admitted = enrolment is None or admits(enrolment, self.record.topic, first_offset(self.record))
        try:
            if known is not None and not (known.forgotten and admitted):
                return self._known(partition, vault, key, known, enrolment)
            if not admitted:
                raise Refused(Code.SUBJECT_ERASED)
            if isinstance(self.claim, RecordError):
                raise self.claim
            if isinstance(self.claim, Published):
                raise Stale  # its outcome has gone meanwhile: it is a new prompt
            return self._accept(partition, vault, key, self.claim, enrolment)
        except RecordError as error:
            return self._end(vault, key, error, self._opened(known, enrolment))
        except SealBroken:
            if known is not None and known.phase is not Phase.OPEN and not (known.forgotten and admitted):
                return self._counted(known)  # it has its answer: there is no second one
            return self._end(vault, key, Refused(Code.KEY_UNAVAILABLE), self._opened(known, enrolment))

    def _outcome(self, enrolment: Enrolment | None) -> Outcome:
        purpose = self.route.purpose
        return Outcome(
            phase=Phase.OPEN,
            tenant=self.envelope.subject.tenant,
            subject_id=self.envelope.subject.subject_id,
            event_id=self.envelope.event_id,
            purpose="" if purpose is None else purpose.name,
            basis="" if purpose is None else purpose.basis.value,
            reply_topic=self.route.reply_topic,
            model=self.route.model,
            incarnation=0 if enrolment is None else enrolment.incarnation,
            digest=self.content,
            arrived_ms=self.record.timestamp_ms,
            deadline_ms=self.route.deadline_ms,
            opened_by=source_of(self.record.topic, self.record.offset),
            traceparent=self.envelope.traceparent,
        )

    def _opened(self, known: Outcome | None, enrolment: Enrolment | None) -> Outcome:
        """What ends now: the prompt as it was let through before, or a new one."""
        return known if known is not None and known.phase is Phase.OPEN else self._outcome(enrolment)

    def _end(self, vault: VaultState, key: bytes, error: RecordError, opened: Outcome) -> Effects:
        status = Status.FAILED if isinstance(error, Failed) else Status.REFUSED
        by = source_of(self.record.topic, self.record.offset)
        return self.desk.conclude(vault, key, opened.decided(status, error.code, by, self.desk.clock.now_ms()))

    def _known(self, partition: int, vault: VaultState, key: bytes, known: Outcome, enrolment: Enrolment | None) -> Effects:
        """A copy: the same record again after a crash, the same content sent twice, or other content under the same event id."""
        if known.digest != self.content:
            letters = self.desk.letters.outputs(self.record, Code.CONTENT_CONFLICT)
            return Effects(outputs=letters, facts=(DeadLettered(self.record.topic, Code.CONTENT_CONFLICT),))
        again = known.opened_by == source_of(self.record.topic, self.record.offset)
        if repeatable(known):
            if again and self.desk.atomic:
                return self._counted(known)  # no copy: this very record, whose answer stands in the transaction that ended it
            if not isinstance(self.claim, Published) or self.claim.offset != known.response_offset:
                raise Stale  # it has ended since this copy was looked at
            if not recent(self.desk.freshness, self.desk.clock, partition):
                raise Stale
            digest = vault.digest(self.envelope.subject)
            return repeat_published(self.desk, vault, digest, known, self.claim, self.record.topic)
        if again and known.phase is Phase.OPEN and isinstance(self.claim, Ready) and enrolment is not None:
            digest = vault.digest(self.envelope.subject)
            # Issued again under what is known of consents now, so it must be allowed now: egress believes the newer approval.
            self._permit(vault, digest)
            subject_key = self.desk.subject_key(vault, digest, enrolment)
            return Effects(outputs=self._issue(partition, vault, self.claim, enrolment, subject_key, known).outputs)
        if again and known.decided_by == known.opened_by and not known.forgotten:
            return self.desk.repeat(vault, key, known)
        return self._counted(known)

    def _counted(self, known: Outcome) -> Effects:
        """Seen before; nothing is published."""
        copied = self.desk.audit.output(AuditFact.PROMPT_COPY, code=known.code.value, policy_version=self.desk.policy.version)
        return Effects(outputs=(copied,), facts=(CopySeen(self.record.topic),))

    def _accept(self, partition: int, vault: VaultState, key: bytes, ready: Ready, enrolment: Enrolment | None) -> Effects:
        digest = vault.digest(self.envelope.subject)
        self._permit(vault, digest)
        rows: tuple[Row, ...] = ()
        enrolled: tuple[Output, ...] = ()
        if enrolment is None or enrolment.erased_at_ms is not None:
            enrolment, subject_key, rows = self._enrol(vault, digest, enrolment)
            tenant = self.envelope.subject.tenant
            enrolled = (self.desk.audit.output(AuditFact.SUBJECT_ENROLLED, reference=enrolment.reference, tenant=tenant),)
        else:
            subject_key = self.desk.subject_key(vault, digest, enrolment)
            rows = vault.housed(self.envelope.subject)
        outcome = replace(self._outcome(enrolment), request_id=self.desk.entropy.token_bytes(16).hex())
        issue = self._issue(partition, vault, ready, enrolment, subject_key, outcome)
        age = max(0, self.desk.clock.now_ms() - self.envelope.created_at_ms) / 1000
        return Effects(
            rows=(*rows, vault.outcome_row(key, outcome), timer_row(outcome.deadline_ms, key)),
            outputs=(*enrolled, *issue.outputs),
            facts=(
                *self._moved(issue),
                PromptAccepted(outcome.purpose, issue.entities, ready.minimised.dropped, age),
                LatencyAdded("redact", max(0, self.desk.clock.now_ms() - self.record.timestamp_ms) / 1000),
            ),
        )

    def _moved(self, issue: Issue) -> tuple[Fact, ...]:
        return (PromptMoved(),) if self.record.topic == Topic.PROMPTS and issue.lane is Topic.REQUESTS_BULK else ()

    def _permit(self, vault: VaultState, digest: bytes) -> None:
        purpose = self.route.purpose
        if purpose is None:
            raise Refused(Code.UNKNOWN_PURPOSE)
        verdict = decide(purpose, vault.consents(digest))
        if isinstance(verdict, Denied):
            raise Refused(verdict.code)
        if self.route.deadline_ms <= self.desk.clock.now_ms():
            raise Failed(Code.DEADLINE_EXCEEDED)

    def _enrol(self, vault: VaultState, digest: bytes, before: Enrolment | None) -> tuple[Enrolment, SubjectKey, tuple[Row, ...]]:
        """A first key for a subject, or the first of a new incarnation. Its row is acknowledged before the request goes out."""
        incarnation = 1 if before is None else before.incarnation + 1
        subject_key, wrapped = SubjectKey.mint(self.desk.entropy, self.desk.kms, digest, incarnation)
        reference = self.desk.entropy.token_bytes(16)
        enrolment = enrol(before, now_ms=self.desk.clock.now_ms(), reference=reference, key_id=subject_key.key_id)
        rows = (
            vault.key_row(digest, enrolment, wrapped),
            vault.enrolment_row(self.envelope.subject, enrolment),
            vault.reference_row(digest, enrolment),
        )
        return enrolment, subject_key, rows

    def _issue(
        self, partition: int, vault: VaultState, ready: Ready, enrolment: Enrolment, subject_key: SubjectKey, outcome: Outcome
    ) -> Issue:
        digest = vault.digest(self.envelope.subject)
        decided = [event.offset + 1 for event in vault.consents(digest).events()]
        known = max(self.desk.freshness.consents_offset(partition), *decided, 0)
        keys = subject_key.for_purpose(outcome.purpose)
        return Issue.of(self.desk, ready.minimised, ready.spans, keys, outcome, digest, enrolment, known, batch=self.route.batch)

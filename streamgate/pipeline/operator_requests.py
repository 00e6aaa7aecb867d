"""Operator requests: a dead letter is shown to whoever asked, or its original is published again. Each is audited: who, why, which letter.

Vault alone can open a letter. What is shown leaves sealed to a key made for that one question. What is replayed goes to the topic it came
from, so everything is looked at again as for any record: schema, consent, erasure, policy, detection, deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from streamgate.audit import AuditFact, known_name, operator_and_reason_fit
from streamgate.codec import Decoder, Schema, encode
from streamgate.detect import final_scan
from streamgate.effects import Sleeper
from streamgate.errors import Code, RecordError, SealBroken, Unavailable
from streamgate.pipeline._desk import Desk
from streamgate.pipeline._letters import LARGEST_REPLAY_BYTES, REPLAYED_TOPICS, obstacle, proven
from streamgate.pipeline._original import Original, earliest, letter_aad
from streamgate.pipeline._reader import PAUSE_SECONDS
from streamgate.pipeline._screen import partition_of
from streamgate.pipeline._undeliverable import Undeliverable
from streamgate.pipeline._vaultstate import VaultState, expiry_row
from streamgate.pipeline.ports.archive import Archive
from streamgate.pipeline.ports.stage import Effects, Output, Prepared, Row, StateView
from streamgate.rights import Enrolment, admits
from streamgate.telemetry import LetterHandled
from streamgate.types import Inbound, Topic
from streamgate.vault import DeadLetterOpener, seal_reply

SHOW: Final = "show"
LONGEST_WAIT_MS: Final = 60_000
"""For a broker that does not answer; requests about other letters of the partition wait behind."""
REMEMBERED_MS: Final = 86_400_000
"""How much longer a replay is remembered than its letter may be replayed: clocks of two workers differ less."""


@dataclass(frozen=True, slots=True, repr=False)
class OpenedLetter:
    """A dead letter and what was sealed in it."""

    letter: dict[str, Any]
    original: Original

    def __repr__(self) -> str:
        """Show the size only."""
        return f"OpenedLetter({self.original.size} bytes)"


BY_REFERENCE: Final = frozenset({Topic.REQUESTS, Topic.REQUESTS_BULK, Topic.REQUESTS_BATCH, Topic.COMPLETIONS})
"""Keyed by a reference, which goes with its subject."""


@dataclass(frozen=True, slots=True)
class OperatorRequests:
    """The stage over ``operator-requests``. Requests stand on the partition of the letter, which is that of its original."""

    decoder: Decoder
    desk: Desk
    archive: Archive
    opener: DeadLetterOpener
    results: Schema
    retention_ms: int | None
    """Of dead letters; ``None``: they are kept."""
    sleeper: Sleeper
    partitions: int
    topic: str = Topic.OPERATOR_REQUESTS
    ordered: bool = True

    def poisoned(self, record: Inbound) -> Prepared:
        """Dead-letter a request on which our own code failed; whoever asked gets no answer."""
        return Undeliverable(self.desk, record, Code.INTERNAL_ERROR)

    async def prepare(self, record: Inbound) -> Prepared:
        """Read the request, then the letter it names."""
        try:
            request = (await self.decoder.decode(self.topic, record.value)).record
        except (RecordError, Unavailable) as error:
            return Undeliverable(self.desk, record, error.code)
        if not _fits(request, record.partition):
            return LetterCase(self, record, request, Code.OPERATOR_REQUEST_INVALID)
        return LetterCase(self, record, request, await self._open(record.partition, request))

    async def _open(self, partition: int, request: dict[str, Any]) -> OpenedLetter | Code:
        give_up_ms = min(request["answer_by"], self.desk.clock.now_ms() + LONGEST_WAIT_MS)
        while True:
            try:
                return await self._read(partition, request["letter_offset"])
            except Unavailable:
                if self.desk.clock.now_ms() >= give_up_ms:
                    return Code.OPERATOR_REQUEST_LATE
                await self.sleeper.sleep(PAUSE_SECONDS)

    async def _read(self, partition: int, offset: int) -> OpenedLetter | Code:
        found = await self.archive.read(Topic.DEAD_LETTERS, partition, offset)
        if found is None:
            gone = offset < await self.archive.first(Topic.DEAD_LETTERS, partition)
            return Code.LETTER_EXPIRED if gone else Code.LETTER_MISSING
        try:
            letter = (await self.decoder.decode(Topic.DEAD_LETTERS, found.value)).record
        except RecordError:
            return Code.LETTER_UNPROVEN
        aad = letter_aad(letter["topic"], letter["source_partition"], letter["source_offset"])
        try:
            return OpenedLetter(letter, Original.from_bytes(self.opener.open(letter["sealed"], aad)))
        except SealBroken:
            return Code.LETTER_UNREADABLE


@dataclass(frozen=True, slots=True, repr=False)
class LetterCase:
    """One request about one letter."""

    stage: OperatorRequests
    record: Inbound
    request: dict[str, Any]
    found: OpenedLetter | Code

    def decide(self, partition: int, state: StateView) -> Effects:
        """Show or replay, or say why not. Whatever comes of it is audited and answered."""
        if self.stage.desk.clock.now_ms() > self.request["answer_by"]:
            return self._refuse(Code.OPERATOR_REQUEST_LATE)
        if isinstance(self.found, Code):
            return self._refuse(self.found)
        if self._misplaced(partition, self.found):
            return self._refuse(Code.LETTER_MISPLACED)
        vault = VaultState(state, self.stage.desk.sealer)
        subject = self.found.original.subject
        enrolment = None if subject is None else vault.enrolment(vault.digest(subject))
        if not admits(enrolment, self.found.letter["topic"], self._first_offset(self.found)):
            return self._refuse(Code.SUBJECT_ERASED)
        if self.request["command"] == SHOW:
            if self.found.letter["topic"] in BY_REFERENCE and vault.referenced(self.found.original.key or b"") is None:
                return self._refuse(Code.SUBJECT_ERASED)
            return self._show(self.found, enrolment)
        return self._replay(partition, vault, self.found, enrolment)

    def _misplaced(self, partition: int, opened: OpenedLetter) -> bool:
        """Whether another partition has the subject's rows: the producer took the wrong one, or the count was changed since."""
        topic, key = opened.letter["topic"], opened.original.key
        return topic in REPLAYED_TOPICS and key is not None and partition_of(key, self.stage.partitions) != partition

    def _first_offset(self, opened: OpenedLetter) -> int:
        return earliest(dict(opened.original.headers), opened.letter["source_offset"])

    def _show(self, opened: OpenedLetter, enrolment: Enrolment | None) -> Effects:
        try:
            sealed = seal_reply(self.request["public_key"] or b"", opened.original.to_bytes(), reply_aad(self.request))
        except SealBroken:
            return self._refuse(Code.OPERATOR_REQUEST_INVALID)
        audited = self._audited(AuditFact.LETTER_OPENED, Code.OK, opened, enrolment)
        return self._done(Code.OK, (self._result(Code.OK, sealed), audited))

    def _replay(self, partition: int, vault: VaultState, opened: OpenedLetter, enrolment: Enrolment | None) -> Effects:
        letter, original, now_ms = opened.letter, opened.original, self.stage.desk.clock.now_ms()
        code = obstacle(letter, now_ms, self.stage.retention_ms) or self._doubt(partition, opened)
        if code is not None:
            return self._refuse(code)
        key = vault.replay_key(letter["topic"], partition, letter["source_offset"], letter["at"])
        by = vault.replayed_by(key)
        # Where there are no transactions this very request may come again after a crash, with or without its record: then it is published
        # again, and its outcome tells a copy.
        if by is not None and (self.stage.desk.atomic or by != self.record.offset):
            return self._refuse(Code.LETTER_REPLAYED)
        again = Output(letter["topic"], original.key, original.value, headers=original.replayed(self._place(), letter["source_offset"]))
        audited = self._audited(AuditFact.LETTER_REPLAYED, Code(letter["code"]), opened, enrolment)
        return self._done(Code.OK, (again, self._result(Code.OK), audited), self._remembered(vault, key, letter))

    def _doubt(self, partition: int, opened: OpenedLetter) -> Code | None:
        """What only vault can tell."""
        letter, original = opened.letter, opened.original
        if letter["source_partition"] != partition or not proven(self.stage.desk.sealer, letter):
            return Code.LETTER_UNPROVEN
        return Code.LETTER_TOO_LARGE if original.size > LARGEST_REPLAY_BYTES else None

    def _remembered(self, vault: VaultState, key: bytes, letter: dict[str, Any]) -> tuple[Row, ...]:
        row = vault.replay_row(key, self.record.offset)
        if self.stage.retention_ms is None:
            return (row,)
        return (row, expiry_row(letter["lettered_at"] + self.stage.retention_ms + REMEMBERED_MS, key))

    def _refuse(self, code: Code) -> Effects:
        return self._done(code, (self._result(code), self._audited(AuditFact.LETTER_REFUSED, code)))

    def _done(self, code: Code, outputs: tuple[Output, ...], rows: tuple[Row, ...] = ()) -> Effects:
        return Effects(rows, outputs, (LetterHandled(self.request["command"], code),))

    def _place(self) -> str:
        return f"{max(0, self.request['letter_partition'])}@{max(0, self.request['letter_offset'])}"

    def _result(self, code: Code, sealed: bytes | None = None) -> Output:
        record = {
            "request_id": self.request["request_id"],
            "letter_partition": self.request["letter_partition"],
            "letter_offset": self.request["letter_offset"],
            "command": self.request["command"],
            "topic": self.found.letter["topic"] if isinstance(self.found, OpenedLetter) else None,
            "code": code.value,
            "completed_at": self.stage.desk.clock.now_ms(),
            "sealed": sealed,
        }
        return Output(Topic.OPERATOR_RESULTS, self.record.key, encode(self.stage.results, record))

    def _audited(self, fact: AuditFact, code: Code, opened: OpenedLetter | None = None, enrolment: Enrolment | None = None) -> Output:
        desk, fits = self.stage.desk, _said(self.request)
        subject = None if opened is None else opened.original.subject
        live = None if enrolment is None or enrolment.erased_at_ms is not None else enrolment
        return desk.audit.output(
            fact,
            reference=None if live is None else live.reference,
            tenant=known_name(None if subject is None else subject.tenant, desk.policy.tenants),
            code=code.value,
            policy_version=desk.policy.version,
            operator=self.request["operator"] if fits else None,
            reason=self.request["reason"] if fits else None,
            letter=self._place(),
        )


def reply_aad(request: Mapping[str, Any]) -> bytes:
    """Binds what is shown to the request and the letter."""
    return f"{request['request_id']}\x1f{request['letter_partition']}\x1f{request['letter_offset']}".encode()


def _said(request: dict[str, Any]) -> bool:
    """Whether who asked, and why, may stand in the audit log."""
    operator, reason = request["operator"], request["reason"]
    return operator_and_reason_fit(operator, reason) and not final_scan(operator) and not final_scan(reason)


def _fits(request: dict[str, Any], partition: int) -> bool:
    """A request in the wrong place could have its letter replayed twice, once on each partition."""
    return _said(request) and request["letter_partition"] == partition and request["letter_offset"] >= 0

"""Vault's state as values: which rows there are, what their keys look like, and what is sealed in them.

====== ============================================== ======================================
prefix key                                            value (sealed under the row key)
====== ============================================== ======================================
``S``  subject digest (16)                            home, enrolment
``C``  subject digest                                 home, consents
``K``  subject digest, incarnation (4), key id (8)    subject key, wrapped by the KEK
``L``  digest of where an original stood (16)         offset (8) of the operator request that replayed it
``R``  reference (16)                                 subject digest, incarnation
``O``  subject digest, event digest (16)              outcome
``T``  due time (8), key of an ``O`` row              one byte, not sealed: when to look again
``X``  due time (8), key of an ``O`` or ``L`` row     one byte, not sealed: when to forget it
====== ============================================== ======================================

Digests are keyed with a key derived from the KMS root, so no row key tells who it is about. Integers are big-endian.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streamgate.consent import ConsentState
from streamgate.pipeline._home import home_and_rest, home_of_subject, with_home
from streamgate.pipeline._outcome import Outcome
from streamgate.pipeline.ports.stage import Row, Settle, StateView
from streamgate.rights import Enrolment
from streamgate.types import Subject
from streamgate.vault import StateSealer

DIGEST: Final = 16
TIMER_AT: Final = 1 + 8
HOUSED: Final = (b"S", b"C")
"""Rows that say where they belong: one of them stands wherever the subject is not named by an outcome."""


class VaultState:
    """Reads rows of one partition, and makes rows; writes nothing itself."""

    def __init__(self, view: StateView, sealer: StateSealer) -> None:
        """``view`` is the partition's state with every earlier decision applied."""
        self._view = view
        self._sealer = sealer

    def digest(self, subject: Subject) -> bytes:
        """The subject's keyed digest."""
        return subject_digest(self._sealer, subject)

    def outcome_key(self, subject: Subject, event_id: str) -> bytes:
        """Key of the outcome row of one event."""
        return b"O" + self.digest(subject) + self._sealer.digest(b"event", event_id.encode())

    def _open(self, key: bytes) -> bytes | None:
        blob = self._view.get(key)
        return None if blob is None else self._sealer.open_row(key, blob)

    def row(self, key: bytes, value: bytes) -> Row:
        """A sealed row."""
        return Row(key, self._sealer.seal_row(key, value))

    def enrolment(self, digest: bytes) -> Enrolment | None:
        """The subject's enrolment, or ``None`` for a subject never seen."""
        data = self._open(b"S" + digest)
        return None if data is None else Enrolment.from_bytes(home_and_rest(data)[1])

    def enrolment_row(self, subject: Subject, enrolment: Enrolment) -> Row:
        """The row that records it."""
        return self.row(b"S" + self.digest(subject), with_home(home_of_subject(subject), enrolment.to_bytes()))

    def housed(self, subject: Subject) -> tuple[Row, ...]:
        """Rows that were written when they did not say yet where they belong, saying it."""
        keys = (prefix + self.digest(subject) for prefix in HOUSED)
        held = ((key, self._open(key)) for key in keys)
        old = ((key, data) for key, data in held if data is not None and home_and_rest(data)[0] is None)
        return tuple(self.row(key, with_home(home_of_subject(subject), data)) for key, data in old)

    def consents(self, digest: bytes) -> ConsentState:
        """What the subject has decided; empty where nothing is known."""
        data = self._open(b"C" + digest)
        return ConsentState() if data is None else ConsentState.from_bytes(home_and_rest(data)[1])

    def consents_row(self, subject: Subject, state: ConsentState) -> Row:
        """The row that records it."""
        return self.row(b"C" + self.digest(subject), with_home(home_of_subject(subject), state.to_bytes()))

    def wrapped_key(self, digest: bytes, enrolment: Enrolment) -> bytes | None:
        """The subject's wrapped key of this incarnation, or ``None`` when it was destroyed."""
        return self._open(key_row_key(digest, enrolment.incarnation, enrolment.key_id))

    def key_row(self, digest: bytes, enrolment: Enrolment, wrapped: bytes) -> Row:
        """A new row for a new key; never an existing one."""
        return self.row(key_row_key(digest, enrolment.incarnation, enrolment.key_id), wrapped)

    def key_tombstones(self, digest: bytes) -> tuple[Row, ...]:
        """Destroy every key of the subject."""
        return tuple(Row(key, None) for key, _ in self._view.scan(b"K" + digest))

    def key_count(self, digest: bytes) -> int:
        """How many keys are held for the subject."""
        return sum(1 for _ in self._view.scan(b"K" + digest))

    def referenced(self, reference: bytes) -> tuple[bytes, int] | None:
        """Subject digest and incarnation that a reference stands for."""
        data = self._open(b"R" + reference)
        return None if data is None else (data[:DIGEST], int.from_bytes(data[DIGEST:], "big"))

    def reference_row(self, digest: bytes, enrolment: Enrolment) -> Row:
        """The row that resolves the reference."""
        return self.row(b"R" + enrolment.reference, digest + enrolment.incarnation.to_bytes(4, "big"))

    def replay_key(self, topic: str, partition: int, offset: int, at_ms: int) -> bytes:
        """Key of the row that says that an original was replayed: one row, however many dead letters speak of it."""
        place = (number.to_bytes(8, "big", signed=True) for number in (partition, offset, at_ms))
        return b"L" + self._sealer.digest(b"original", topic.encode(), *place)

    def replayed_by(self, key: bytes) -> int | None:
        """Offset of the operator request that replayed it, or ``None``."""
        data = self._open(key)
        return None if data is None else int.from_bytes(data, "big")

    def replay_row(self, key: bytes, offset: int) -> Row:
        """The row that records it."""
        return self.row(key, offset.to_bytes(8, "big"))

    def outcome(self, key: bytes) -> Outcome | None:
        """The outcome under a row key."""
        data = self._open(key)
        return None if data is None else Outcome.from_bytes(data)

    def outcomes(self, digest: bytes) -> Iterator[tuple[bytes, Outcome]]:
        """Every outcome of one subject."""
        for key, _ in self._view.scan(b"O" + digest):
            outcome = self.outcome(key)
            if outcome is not None:
                yield key, outcome

    def outcome_row(self, key: bytes, outcome: Outcome) -> Row:
        """The row that records it."""
        return self.row(key, outcome.to_bytes())

    def settle(self, key: bytes, outcome: Outcome) -> Settle:
        """The row that records where the response to a decided prompt stands."""
        return Settle(key, lambda offset: self._sealer.seal_row(key, outcome.settled(offset).to_bytes()))

    def timers_stopped(self, due_ms: int, outcome_key: bytes) -> tuple[Row, ...]:
        """Remove the timer that was set for this time, if it was."""
        row = timer_row(due_ms, outcome_key)
        return () if self._view.get(row.key) is None else (Row(row.key, None),)

    def due(self, now_ms: int) -> Iterator[tuple[bytes, bytes]]:
        """Timer rows whose time has come: their key, and the key of the outcome they are about."""
        return self._due(b"T", now_ms)

    def expired(self, now_ms: int) -> Iterator[tuple[bytes, bytes]]:
        """The same of the rows that say when to forget an outcome or a replay."""
        return self._due(b"X", now_ms)

    def _due(self, prefix: bytes, now_ms: int) -> Iterator[tuple[bytes, bytes]]:
        for key, _ in self._view.scan(prefix):
            if int.from_bytes(key[1:TIMER_AT], "big") > now_ms:
                return
            yield key, key[TIMER_AT:]


def timer_row(due_ms: int, outcome_key: bytes) -> Row:
    """Look at the outcome again at ``due_ms``."""
    return Row(b"T" + due_ms.to_bytes(8, "big") + outcome_key, b"\x01")


def expiry_row(due_ms: int, key: bytes) -> Row:
    """Forget the outcome or the replay under ``key`` at ``due_ms``."""
    return Row(b"X" + due_ms.to_bytes(8, "big") + key, b"\x01")


def key_row_key(digest: bytes, incarnation: int, key_id: bytes) -> bytes:
    """Key of a subject key's row."""
    return b"K" + digest + incarnation.to_bytes(4, "big") + key_id


def subject_digest(sealer: StateSealer, subject: Subject) -> bytes:
    """The subject's keyed digest: 16 bytes."""
    return sealer.digest(b"subject", subject.tenant.encode(), subject.subject_id.encode())

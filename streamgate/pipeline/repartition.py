"""Another partition count: which rows of vault's state go where, and what of them has to change. Pure; offline, so nothing else writes.

All rows of a data subject go together to the partition that the hash of the subject's record key gives. What in them names an offset:

* the outcome of a prompt: its response stays where it was published, and the row names that partition from now on; the offsets of the
  records that opened and decided it become offsets at which no record stands;
* consents: their records stand before everything on the new partition, so whatever comes there is newer;
* fences of an erasure: what was read on the new partition before the change is none of the subject's, so the fences are there.

Rows of a version that did not write yet where they belong are placed by an outcome that names their subject. Where there is none, erased
subjects stay where they are: nobody's key is among their rows, and whoever comes back is enrolled anew; any other has to be seen first.

Rows of egress stay: they are about requests, and those keep the partition of their prompt. So do the notary's chains, and the rows of dead
letters that were replayed: a letter is asked for where it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from streamgate.consent import ConsentState
from streamgate.errors import Code, OperationRefused, StreamgateError
from streamgate.pipeline._home import home_and_rest, home_of_subject, with_home
from streamgate.pipeline._outcome import Outcome
from streamgate.pipeline._vaultstate import DIGEST, HOUSED, TIMER_AT
from streamgate.rights import Enrolment
from streamgate.vault import StateSealer

_BY_SUBJECT: Final = frozenset(b"SCKO")
_TIMERS: Final = frozenset(b"TX")

Rows = Mapping[bytes, bytes]


def _of_a_letter(key: bytes) -> bool:
    """Whether a row is about a dead letter and not about a subject, or the timer of such a row."""
    return key[:1] == b"L" or (key[:1] == b"X" and key[TIMER_AT : TIMER_AT + 1] == b"L")


@dataclass(frozen=True, slots=True)
class Survey:
    """What stands on one partition."""

    rows: int
    subjects: int
    moving: int
    """Subjects who belong elsewhere."""
    open_prompts: int
    unplaced: int
    """Subjects, not erased, of whom no row says where they belong."""


@dataclass(frozen=True, slots=True, repr=False)
class Move:
    """One data subject on the way to another partition: written there, deleted here, in one transaction."""

    to: int
    rows: tuple[tuple[bytes, bytes], ...]
    """As they stand there."""
    gone: tuple[bytes, ...]
    """Keys that do not stand here any more."""

    def __repr__(self) -> str:
        """Show how many rows go where."""
        return f"Move({len(self.rows)} rows to {self.to})"


@dataclass(frozen=True, slots=True)
class Repartition:
    """A change to ``partitions`` partitions."""

    sealer: StateSealer
    partitions: int
    read: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """By partition and logical topic, where vault reads on: what stands before was decided under the count of before."""

    def survey(self, partition: int, rows: Rows) -> Survey:
        """Look, and change nothing."""
        subjects = self._subjects(rows)
        homes = {digest: self._home(rows, keys) for digest, keys in subjects.items()}
        return Survey(
            rows=len(rows),
            subjects=len(subjects),
            moving=sum(home is not None and home % self.partitions != partition for home in homes.values()),
            open_prompts=sum(key.startswith(b"T") for key in rows),
            unplaced=sum(home is None and not self._erased(rows, digest) for digest, home in homes.items()),
        )

    def moves(self, partition: int, rows: Rows) -> Iterator[Move]:
        """One for every subject on the partition who belongs elsewhere; done once, there is none left."""
        for digest, keys in self._subjects(rows).items():
            home = self._home(rows, keys)
            if home is None:
                if self._erased(rows, digest):
                    continue
                raise OperationRefused(Code.SUBJECT_NOT_PLACED)
            to = home % self.partitions
            if to != partition:
                yield Move(to, tuple((key, self._moved(key, rows[key], partition, to)) for key in keys), tuple(keys))

    def _subjects(self, rows: Rows) -> dict[bytes, list[bytes]]:
        """Keys of rows, by the digest of their subject."""
        found: dict[bytes, list[bytes]] = {}
        for key in sorted(rows):
            if _of_a_letter(key):
                continue
            found.setdefault(self._digest(key, rows[key]), []).append(key)
        # A timer whose outcome has gone finds nothing, wherever it stands.
        return {digest: keys for digest, keys in found.items() if any(key[0] not in _TIMERS for key in keys)}

    def _erased(self, rows: Rows, digest: bytes) -> bool:
        value = rows.get(b"S" + digest)
        if value is None:
            return False
        _, held = home_and_rest(self.sealer.open_row(b"S" + digest, value))
        return Enrolment.from_bytes(held).erased_at_ms is not None

    def _digest(self, key: bytes, value: bytes) -> bytes:
        if key[0] in _BY_SUBJECT:
            return key[1 : 1 + DIGEST]
        if key[0] in _TIMERS:
            return key[TIMER_AT + 1 : TIMER_AT + 1 + DIGEST]
        if key[:1] == b"R":
            return self.sealer.open_row(key, value)[:DIGEST]
        raise StreamgateError(Code.INTERNAL_ERROR, "a kind of row that this version does not know")

    def _home(self, rows: Rows, keys: Sequence[bytes]) -> int | None:
        for key in keys:
            if key[:1] in HOUSED:
                home, _ = home_and_rest(self.sealer.open_row(key, rows[key]))
                if home is not None:
                    return home
        for key in keys:
            if key[:1] == b"O":
                outcome = Outcome.from_bytes(self.sealer.open_row(key, rows[key]))
                if outcome.subject_id:
                    return home_of_subject(outcome.subject)
        return None

    def _moved(self, key: bytes, value: bytes, here: int, there: int) -> bytes:
        """The row's value on its new partition."""
        if key[:1] not in {b"S", b"C", b"O"}:
            return value
        home, held = home_and_rest(self.sealer.open_row(key, value))
        if key[:1] == b"O":
            changed = Outcome.from_bytes(held).moved(here).to_bytes()
        elif key[:1] == b"C":
            changed = ConsentState.from_bytes(held).moved().to_bytes()
        else:
            changed = Enrolment.from_bytes(held).moved(self.read.get(there, {})).to_bytes()
        return self.sealer.seal_row(key, with_home(home, changed))

"""Whatever is read, finished, revoked and read again: what is committed as done is done, and nothing that is done is taken again."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streamgate.topology._ledger import Admission, Ledgers
from streamgate.topology._progress import REACH, Progress

PLACE = ("prompts", 0)
SHORT_REACH = 6


class LedgerMachine(RuleBasedStateMachine):
    """One partition of a log with holes (markers, compaction), a consumer that may be revoked, and records that finish in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.ledgers = Ledgers(SHORT_REACH)
        self.generation = 0
        self.log: list[int] = []
        self.end = 0
        self.committed: Progress | None = None
        self.finished: set[int] = set()
        self.in_flight: list[tuple[int, int]] = []
        self.reading = 0
        self.assigned = False
        self.sought = False
        self.begun = False

    @rule(hole=st.integers(min_value=0, max_value=3))
    def append(self, hole: int) -> None:
        """A producer writes, perhaps after offsets that hold no record."""
        self.log.append(self.end + hole)
        self.end += hole + 1

    @rule()
    def assign(self) -> None:
        """A new generation begins where the old one committed."""
        self.ledgers.close()
        self.generation += 1
        # What was not committed is as if it had never been done.
        known = self.committed or Progress(0)
        self.finished = {offset for offset in self.finished if offset < known.position or offset in known.beyond}
        self.ledgers.open(self.generation, *PLACE, self.committed)
        self.reading = known.position
        self.assigned = True
        self.sought = False
        self.begun = False

    @precondition(lambda self: self.assigned)
    @rule(skipped=st.sampled_from([0, 0, 0, 1, 5]))
    def read(self, skipped: int) -> None:
        """The consumer hands out the next record; before the first one of a generation it may have lost some, until it seeks."""
        ledger = self.ledgers.get(self.generation, *PLACE)
        assert ledger is not None
        first = not self.begun and self.committed is not None and not self.sought
        ahead = [offset for offset in self.log if offset >= self.reading][skipped if first else 0 :]
        if not ahead:
            return
        admission = ledger.admit(ahead[0])
        if admission is Admission.REREAD:
            assert ledger.position is not None
            self.reading = ledger.position
            self.sought = True
            return
        self.reading = ahead[0] + 1
        self.begun = True
        if admission is Admission.TAKE:
            assert ahead[0] not in self.finished
            self.in_flight.append((self.generation, ahead[0]))

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        """Any record in flight finishes, also one of an earlier generation."""
        generation, offset = self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))
        ledger = self.ledgers.get(generation, *PLACE)
        if ledger is not None:
            foreseen = ledger.progress([offset])
            ledger.finish(offset)
            assert ledger.progress() == foreseen
            self.finished.add(offset)

    @rule()
    def resume(self) -> None:
        """Records that were held back are read again."""
        ledger = self.ledgers.current(*PLACE)
        if ledger is not None and ledger.held_at is not None and not ledger.too_far:
            self.reading = ledger.held_at

    @rule()
    def commit(self) -> None:
        """Kafka takes what the ledgers offer."""
        moved = self.ledgers.movable()
        self.ledgers.committed(self.ledgers.generation, moved)
        if PLACE in moved:
            self.committed = Progress.read(moved[PLACE].position, moved[PLACE].metadata())
            assert self.committed == moved[PLACE]

    @invariant()
    def only_what_is_done_is_committed(self) -> None:
        """The promise."""
        if self.committed is not None:
            done = {offset for offset in self.log if offset < self.committed.position} | self.committed.beyond
            assert done <= self.finished
            assert all(offset - self.committed.position < 2 * SHORT_REACH for offset in self.committed.beyond)

    @invariant()
    def counts_agree(self) -> None:
        """What counts as unfinished is what is in flight in this generation."""
        assert self.ledgers.unfinished == sum(generation == self.ledgers.generation for generation, _ in self.in_flight)


TestLedger = LedgerMachine.TestCase


@given(st.integers(0, 2**62), st.frozensets(st.integers(1, REACH - 1)))
def test_progress_is_read_back_as_it_was_committed(position: int, beyond: frozenset[int]) -> None:
    """And never takes more than Kafka keeps."""
    progress = Progress(position, frozenset(position + each for each in beyond))
    assert Progress.read(position, progress.metadata()) == progress
    assert len(progress.metadata()) <= 4096


@given(st.integers(0, 2**62), st.one_of(st.text(), st.text(string.printable).map("1:".__add__)))
def test_what_other_tools_commit_says_nothing_of_later_offsets(position: int, metadata: str) -> None:
    """Or, where it looks like ours, nothing at or before the position; nothing is raised."""
    progress = Progress.read(position, metadata)
    assert progress.position == position
    assert all(offset > position for offset in progress.beyond)

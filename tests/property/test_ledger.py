"""Whatever is read, finished, revoked and read again: no offset is committed past a record that is not finished."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streamgate.topology._ledger import Admission, Ledgers

PLACE = ("prompts", 0)


class LedgerMachine(RuleBasedStateMachine):
    """One partition of a log with holes (markers, compaction), a consumer that may be revoked, and records that finish in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.ledgers = Ledgers()
        self.generation = 0
        self.log: list[int] = []
        self.end = 0
        self.committed: int | None = None
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
        self.ledgers.open(self.generation, *PLACE, self.committed)
        self.reading = self.committed or 0
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
            self.in_flight.append((self.generation, ahead[0]))

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        """Any record in flight finishes, also one of an earlier generation."""
        generation, offset = self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))
        ledger = self.ledgers.get(generation, *PLACE)
        if ledger is not None:
            ledger.finish(offset)
            self.finished.add(offset)

    @rule()
    def commit(self) -> None:
        """Kafka takes what the ledgers offer."""
        moved = self.ledgers.movable()
        self.ledgers.committed(self.ledgers.generation, moved)
        if PLACE in moved:
            assert moved[PLACE] > (self.committed if self.committed is not None else -1)
            self.committed = moved[PLACE]

    @invariant()
    def nothing_unfinished_is_committed(self) -> None:
        """The promise."""
        if self.committed is not None:
            assert {offset for offset in self.log if offset < self.committed} <= self.finished

    @invariant()
    def counts_agree(self) -> None:
        """What counts as unfinished is what is in flight in this generation."""
        assert self.ledgers.unfinished == sum(generation == self.ledgers.generation for generation, _ in self.in_flight)


TestLedger = LedgerMachine.TestCase

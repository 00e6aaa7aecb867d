"""Which offset of a topic partition may be committed. Pure: no Faust, no broker.

Faust acknowledges what raised, what was cancelled and what was read before a rebalance, and commits the end of the first run of
acknowledged offsets even while an earlier one is in flight. So none of that is used: the committed offset is this ledger's ``position``,
the first offset that is not finished.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, unique


@unique
class Admission(Enum):
    """What to do with a record that was just read."""

    TAKE = "take"
    """Work on it and report :meth:`Ledger.finish`."""
    DROP = "drop"
    """Read before in this generation, or it will be read again: do nothing."""
    REREAD = "reread"
    """The first record is not where reading should have begun: seek back to ``position`` once, to see whether records were skipped."""


class Ledger:
    """The records of one topic partition in one generation of the consumer group."""

    __slots__ = ("_done", "_expected", "_gap_at", "_next", "_open")

    def __init__(self, start: int | None) -> None:
        """``start`` is the committed offset, where reading begins; ``None`` where nothing was committed yet."""
        self._expected = start
        self._next: int | None = start
        self._gap_at: int | None = None
        self._open: deque[int] = deque()
        self._done: set[int] = set()

    def admit(self, offset: int) -> Admission:
        """Take up ``offset``, or say why not. Offsets inside the log may be missing (markers, compaction): a later gap is believed."""
        if self._next is not None and offset < self._next:
            return Admission.DROP
        if self._expected is not None and offset > self._expected:
            if self._gap_at is None:
                self._gap_at = offset
                return Admission.REREAD
            if offset > self._gap_at:
                return Admission.DROP  # still from before the seek
        self._expected = None
        self._open.append(offset)
        self._next = offset + 1
        return Admission.TAKE

    def finish(self, offset: int) -> None:
        """``offset`` was decided and everything it wanted is acknowledged."""
        self._done.add(offset)
        while self._open and self._open[0] in self._done:
            self._done.discard(self._open.popleft())

    @property
    def position(self) -> int | None:
        """The first offset that is not finished: the only one that may be committed. ``None`` before the first record of a new group."""
        return self._open[0] if self._open else self._next

    @property
    def unfinished(self) -> int:
        """Records taken and not finished."""
        return len(self._open) - len(self._done)

    @property
    def span(self) -> int:
        """Records from the first unfinished one on: what a crash now would make us do again."""
        return len(self._open)


class Ledgers:
    """The ledgers of everything this worker owns, in the present generation only."""

    __slots__ = ("_committed", "_ledgers", "generation")

    def __init__(self) -> None:
        """Nothing is owned."""
        self.generation = -1
        self._ledgers: dict[tuple[str, int], Ledger] = {}
        self._committed: dict[tuple[str, int], int | None] = {}

    def open(self, generation: int, topic: str, partition: int, start: int | None) -> None:
        """Begin a topic partition at ``start``, unless it is open in this generation already. A new generation forgets the old one."""
        if generation != self.generation:
            self.close()
            self.generation = generation
        if (topic, partition) not in self._ledgers:
            self._ledgers[topic, partition] = Ledger(start)
            self._committed[topic, partition] = start

    def close(self) -> None:
        """Forget everything: partitions were revoked. What is finished after this counts for nothing."""
        self._ledgers.clear()
        self._committed.clear()
        self.generation = -1

    def get(self, generation: int, topic: str, partition: int) -> Ledger | None:
        """The ledger, if the record was read in the present generation."""
        return self._ledgers.get((topic, partition)) if generation == self.generation else None

    def current(self, topic: str, partition: int) -> Ledger | None:
        """The ledger of the present generation."""
        return self._ledgers.get((topic, partition))

    def movable(self) -> dict[tuple[str, int], int]:
        """Positions that are beyond what was committed."""
        found: dict[tuple[str, int], int] = {}
        for place, ledger in self._ledgers.items():
            position, committed = ledger.position, self._committed[place]
            if position is not None and (committed is None or position > committed):
                found[place] = position
        return found

    def committed(self, generation: int, offsets: dict[tuple[str, int], int]) -> None:
        """Kafka took these offsets."""
        if generation == self.generation:
            self._committed.update(offsets)

    def places(self) -> tuple[tuple[str, int], ...]:
        """Every open topic partition."""
        return tuple(self._ledgers)

    @property
    def unfinished(self) -> int:
        """Records in flight over all partitions."""
        return sum(ledger.unfinished for ledger in self._ledgers.values())

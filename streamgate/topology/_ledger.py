"""Which offset of a topic partition may be committed. Pure: no Faust, no broker.

Faust acknowledges what raised, what was cancelled and what was read before a rebalance, and commits the end of the first run of
acknowledged offsets even while an earlier one is in flight. So none of that is used: what is committed is this ledger's ``progress``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from enum import Enum, unique
from typing import Final

from streamgate.topology._progress import REACH, Progress

STALE: Final = 512
"""More records in a row than this from before a seek are not believed."""


@unique
class Admission(Enum):
    """What to do with a record that was just read."""

    TAKE = "take"
    """Work on it and report :meth:`Ledger.finish`."""
    DROP = "drop"
    """Done before, read before in this generation, or it will be read again: do nothing."""
    REREAD = "reread"
    """The first record is not where reading should have begun: seek back to ``position`` once, to see whether records were skipped."""
    HOLD = "hold"
    """Too far beyond the first unfinished record: read it again later, from :attr:`Ledger.held_at`."""


class Ledger:
    """The records of one topic partition in one generation of the consumer group."""

    __slots__ = ("_before", "_done", "_dropped", "_expected", "_gap_at", "_next", "_open", "_reach", "held_at")

    def __init__(self, start: int | None, before: Collection[int] = (), reach: int = REACH) -> None:
        """``start`` is the committed offset, where reading begins, and ``before`` what was done beyond it.

        ``start`` is ``None`` where nothing was committed yet.
        """
        self._expected = start
        self._next: int | None = start
        self._gap_at: int | None = None
        self._dropped = 0
        self._open: deque[int] = deque()
        self._done: set[int] = set()
        self._before = set(before)
        self._reach = reach
        self.held_at: int | None = None
        """The first record that was not taken because it is too far ahead; nothing after it is taken before it comes again."""

    def admit(self, offset: int) -> Admission:
        """Take up ``offset``, or say why not. Offsets inside the log may be missing (markers, compaction): a later gap is believed."""
        if self._next is not None and offset < self._next:
            return Admission.DROP
        if self._expected is not None and offset > self._expected:
            if self._gap_at is None:
                self._gap_at = offset
                return Admission.REREAD
            if offset > self._gap_at:
                self._dropped += 1
                if self._dropped % STALE == 0:  # what stood at the gap is gone, or the seek was lost
                    self._gap_at = offset
                    return Admission.REREAD
                return Admission.DROP  # still from before the seek
        if self.held_at is not None and offset > self.held_at:
            return Admission.HOLD
        if self._open and offset - self._open[0] >= self._reach:
            self.held_at = offset
            return Admission.HOLD
        self.held_at = None
        self._expected = None
        self._open.append(offset)
        self._next = offset + 1
        if offset in self._before:
            self._before.discard(offset)
            self.finish(offset)
            return Admission.DROP
        return Admission.TAKE

    def finish(self, offset: int) -> None:
        """``offset`` was decided and everything it wanted is in Kafka."""
        self._done.add(offset)
        while self._open and self._open[0] in self._done:
            self._done.discard(self._open.popleft())

    def progress(self, also: Collection[int] = ()) -> Progress | None:
        """What may be committed, as if the offsets in ``also`` were finished. ``None`` before the first record of a new group."""
        done = self._done.union(also)
        position = next((offset for offset in self._open if offset not in done), self._next)
        if position is None:
            return None
        return Progress(position, frozenset(offset for offset in (*done, *self._before) if offset > position))

    @property
    def position(self) -> int | None:
        """The first offset that is not finished. ``None`` before the first record of a new group."""
        return self._open[0] if self._open else self._next

    @property
    def too_far(self) -> bool:
        """Whether the record that was held back would be held back again."""
        return self.held_at is not None and bool(self._open) and self.held_at - self._open[0] >= self._reach

    @property
    def unfinished(self) -> int:
        """Records taken and not finished."""
        return len(self._open) - len(self._done)


class Ledgers:
    """The ledgers of everything this worker owns, in the present generation only."""

    __slots__ = ("_committed", "_ledgers", "_reach", "generation")

    def __init__(self, reach: int = REACH) -> None:
        """Nothing is owned."""
        self._reach = reach
        self.generation = -1
        self._ledgers: dict[tuple[str, int], Ledger] = {}
        self._committed: dict[tuple[str, int], Progress | None] = {}

    def open(self, generation: int, topic: str, partition: int, start: Progress | None) -> None:
        """Begin a topic partition at ``start``, unless it is open in this generation already. A new generation forgets the old one."""
        if generation != self.generation:
            self.close()
            self.generation = generation
        if (topic, partition) not in self._ledgers:
            self._ledgers[topic, partition] = Ledger(start.position, start.beyond, self._reach) if start else Ledger(None, (), self._reach)
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

    def movable(self) -> dict[tuple[str, int], Progress]:
        """What is beyond what was committed."""
        found: dict[tuple[str, int], Progress] = {}
        for place, ledger in self._ledgers.items():
            progress, committed = ledger.progress(), self._committed[place]
            if progress is not None and progress != committed and (committed is None or progress.position >= committed.position):
                found[place] = progress
        return found

    def committed(self, generation: int, progress: dict[tuple[str, int], Progress]) -> None:
        """Kafka took this."""
        if generation == self.generation:
            self._committed.update(progress)

    def places(self) -> tuple[tuple[str, int], ...]:
        """Every open topic partition."""
        return tuple(self._ledgers)

    def partitions(self) -> frozenset[int]:
        """Every partition number with an open topic partition."""
        return frozenset(partition for _, partition in self._ledgers)

    @property
    def unfinished(self) -> int:
        """Records in flight over all partitions."""
        return sum(ledger.unfinished for ledger in self._ledgers.values())

"""The ledger's moves, one by one."""

from __future__ import annotations

from streamgate.topology._ledger import STALE, Admission, Ledger, Ledgers
from streamgate.topology._progress import Progress


def test_the_position_is_the_first_unfinished_offset() -> None:
    """However many later ones are done."""
    ledger = Ledger(10)
    assert [ledger.admit(offset) for offset in (10, 11, 12)] == [Admission.TAKE] * 3
    ledger.finish(12)
    ledger.finish(11)
    assert (ledger.progress(), ledger.unfinished) == (Progress(10, frozenset({11, 12})), 1)
    ledger.finish(10)
    assert (ledger.progress(), ledger.unfinished) == (Progress(13), 0)


def test_a_record_read_twice_is_dropped() -> None:
    """Faust seeks back to what was committed when its flow was stopped."""
    ledger = Ledger(5)
    ledger.admit(5)
    ledger.finish(5)
    assert ledger.admit(5) is Admission.DROP


def test_a_gap_at_the_beginning_is_looked_at_twice() -> None:
    """Records that were fetched and discarded before the first one are read again; offsets without a record are believed then."""
    ledger = Ledger(5)
    assert ledger.admit(8) is Admission.REREAD
    assert ledger.admit(9) is Admission.DROP
    assert ledger.position == 5
    assert ledger.admit(6) is Admission.TAKE
    assert ledger.admit(8) is Admission.TAKE
    believed = Ledger(5)
    believed.admit(8)
    assert believed.admit(8) is Admission.TAKE


def test_what_was_removed_while_it_was_looked_at_again_holds_up_nothing() -> None:
    """Retention took the record at the gap, or the seek was lost: after a while the next ones are believed."""
    ledger = Ledger(40)
    assert ledger.admit(42) is Admission.REREAD
    said = [ledger.admit(offset) for offset in range(43, 43 + STALE)]
    assert set(said[:-1]) == {Admission.DROP}
    assert said[-1] is Admission.REREAD
    assert [ledger.admit(offset) for offset in (43, 44)] == [Admission.TAKE, Admission.TAKE]


def test_a_gap_later_on_is_believed() -> None:
    """Transaction markers and compaction leave such."""
    ledger = Ledger(None)
    assert ledger.position is None
    assert ledger.admit(3) is Admission.TAKE
    assert ledger.admit(7) is Admission.TAKE
    ledger.finish(3)
    assert ledger.position == 7


def test_only_the_present_generation_counts() -> None:
    """A record of a revoked generation neither finishes nor commits anything, and neither does a late acknowledgement of its commit."""
    ledgers = Ledgers()
    ledgers.open(1, "prompts", 0, Progress(0))
    first = ledgers.get(1, "prompts", 0)
    assert first is not None
    first.admit(0)
    first.finish(0)
    assert ledgers.movable() == {("prompts", 0): Progress(1)}
    ledgers.open(2, "prompts", 0, Progress(0))
    assert ledgers.get(1, "prompts", 0) is None
    ledgers.committed(1, {("prompts", 0): Progress(1)})
    second = ledgers.current("prompts", 0)
    assert second is not None
    second.admit(0)
    second.finish(0)
    assert ledgers.movable() == {("prompts", 0): Progress(1)}
    ledgers.committed(2, ledgers.movable())
    assert ledgers.movable() == {}


def test_what_was_done_beyond_the_committed_offset_is_not_done_again() -> None:
    """It counts as finished when it comes by."""
    ledger = Ledger(5, {7, 8})
    assert ledger.progress() == Progress(5, frozenset({7, 8}))
    assert [ledger.admit(offset) for offset in (5, 6, 7, 8, 9)] == [Admission.TAKE] * 2 + [Admission.DROP] * 2 + [Admission.TAKE]
    assert ledger.progress([6]) == Progress(5, frozenset({6, 7, 8}))
    ledger.finish(5)
    assert ledger.progress([6]) == Progress(9)
    ledger.finish(6)
    assert (ledger.progress(), ledger.unfinished) == (Progress(9), 1)


def test_no_record_is_taken_too_far_beyond_the_first_unfinished_one() -> None:
    """Nor any after it, until it is read again: what is done must fit beside the committed offset."""
    ledger = Ledger(0, reach=4)
    assert [ledger.admit(offset) for offset in (0, 1, 2, 3, 4, 5)] == [Admission.TAKE] * 4 + [Admission.HOLD] * 2
    assert (ledger.held_at, ledger.too_far) == (4, True)
    ledger.finish(0)
    ledger.finish(1)
    assert not ledger.too_far
    assert ledger.admit(6) is Admission.HOLD
    assert [ledger.admit(offset) for offset in (4, 5, 6)] == [Admission.TAKE] * 2 + [Admission.HOLD]
    assert ledger.progress() == Progress(2)

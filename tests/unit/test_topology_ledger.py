"""The ledger's moves, one by one."""

from __future__ import annotations

from streamgate.topology._ledger import Admission, Ledger, Ledgers


def test_the_position_is_the_first_unfinished_offset() -> None:
    """However many later ones are done."""
    ledger = Ledger(10)
    assert [ledger.admit(offset) for offset in (10, 11, 12)] == [Admission.TAKE] * 3
    ledger.finish(12)
    ledger.finish(11)
    assert (ledger.position, ledger.unfinished, ledger.span) == (10, 1, 3)
    ledger.finish(10)
    assert (ledger.position, ledger.unfinished, ledger.span) == (13, 0, 0)


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
    ledgers.open(1, "prompts", 0, 0)
    first = ledgers.get(1, "prompts", 0)
    assert first is not None
    first.admit(0)
    first.finish(0)
    assert ledgers.movable() == {("prompts", 0): 1}
    ledgers.open(2, "prompts", 0, 0)
    assert ledgers.get(1, "prompts", 0) is None
    ledgers.committed(1, {("prompts", 0): 1})
    second = ledgers.current("prompts", 0)
    assert second is not None
    second.admit(0)
    second.finish(0)
    assert ledgers.movable() == {("prompts", 0): 1}
    ledgers.committed(2, ledgers.movable())
    assert ledgers.movable() == {}

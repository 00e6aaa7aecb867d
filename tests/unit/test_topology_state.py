"""Rows per partition, and the view that a decision gets."""

from __future__ import annotations

from streamgate.pipeline.ports.stage import Effects, Row
from streamgate.topology._state import Overlay, Rows


def test_equal_keys_of_two_partitions_are_two_rows() -> None:
    """Dropping one partition leaves the other alone."""
    rows = Rows()
    rows.apply(0, [Row(b"k", b"0")])
    rows.apply(1, [Row(b"k", b"1")])
    assert (rows.get(0, b"k"), rows.get(1, b"k"), rows.get(2, b"k")) == (b"0", b"1", None)
    rows.keep_only([1])
    assert (rows.get(0, b"k"), rows.get(1, b"k"), rows.count()) == (None, b"1", 1)


def test_a_scan_is_in_key_order_and_stays_within_its_prefix() -> None:
    """Tombstones remove."""
    rows = Rows()
    for key in (b"b:2", b"a:9", b"b:1", b"b:3", b"c:0"):
        rows.apply(0, [Row(key, key)])
    rows.apply(0, [Row(b"b:3", None)])
    assert [key for key, _ in rows.scan(0, b"b:")] == [b"b:1", b"b:2"]
    assert list(rows.scan(7, b"")) == []


def test_a_view_shows_earlier_decisions_of_the_batch() -> None:
    """Without changing what is committed."""
    rows = Rows()
    rows.apply(0, [Row(b"a:1", b"old")])
    rows.apply(0, [Row(b"a:2", b"old")])
    view = Overlay(rows, 0)
    assert list(view.scan(b"a:")) == [(b"a:1", b"old"), (b"a:2", b"old")]
    view.put(Effects(rows=(Row(b"a:1", None), Row(b"a:2", b"new"), Row(b"a:3", b"new"), Row(b"b:1", b"new"))))
    assert [view.get(key) for key in (b"a:1", b"a:2", b"a:3", b"x")] == [None, b"new", b"new", None]
    assert list(view.scan(b"a:")) == [(b"a:2", b"new"), (b"a:3", b"new")]
    assert rows.get(0, b"a:1") == b"old"

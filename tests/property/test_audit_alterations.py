"""Whatever is done to one place of a log, the verifier names that place."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamgate.audit import BreakKind, Chain, Verifier
from tests.fakes.signer import FakeSigner

SIGNER = FakeSigner()
VERIFIER = Verifier(SIGNER.public_keys())
EVENTS = st.lists(st.tuples(st.binary(max_size=12), st.integers(1, 4)), min_size=1, max_size=6)
LONGER = st.lists(st.tuples(st.binary(max_size=12), st.integers(1, 4)), min_size=2, max_size=6)


def build(events: list[tuple[bytes, int]], signer: FakeSigner = SIGNER) -> list[dict[str, Any]]:
    """A chain over events, each some offsets after the one before."""
    chain, offset, log = Chain.start(None), 0, []
    for event, step in events:
        offset += step
        entry = chain.append(event, offset, signer)
        assert entry is not None
        log.append(entry)
    return log


def flipped(value: Any, bit: int) -> Any:
    """The value with one bit of it changed."""
    if isinstance(value, int):
        return value ^ (1 << (bit % 63))
    if isinstance(value, str):
        place = bit // 4 % len(value)
        return value[:place] + format(int(value[place], 16) ^ (1 << bit % 4), "x") + value[place + 1 :]
    data = bytearray(value or b"\x00")
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(data)


@given(EVENTS)
def test_an_untouched_chain_is_intact(events: list[tuple[bytes, int]]) -> None:
    """Every chain that was made by appending verifies, all of it."""
    report = VERIFIER.check(build(events))
    assert report.intact
    assert report.entries == len(events)


@given(EVENTS, st.data())
def test_a_flipped_bit_is_named_where_it_is(events: list[tuple[bytes, int]], data: st.DataObject) -> None:
    """Any bit of any field of any entry: the break stands at that entry."""
    log = build(events)
    place = data.draw(st.integers(0, len(log) - 1))
    field = data.draw(st.sampled_from(sorted(log[place])))
    log[place] = log[place] | {field: flipped(log[place][field], data.draw(st.integers(0, 511)))}
    found = VERIFIER.check(log).first_break
    assert found is not None
    assert (found.sequence, found.position) == (place, place)
    kinds = {"signature": BreakKind.WRONG_SIGNATURE, "key_id": BreakKind.UNKNOWN_KEY}
    assert found.kind is kinds.get(field, BreakKind.ALTERED)


@given(LONGER, st.data())
def test_a_dropped_entry_is_a_gap_where_it_was(events: list[tuple[bytes, int]], data: st.DataObject) -> None:
    """Any entry but the last, whose loss only a checkpoint shows."""
    log = build(events)
    place = data.draw(st.integers(0, len(log) - 2))
    del log[place]
    found = VERIFIER.check(log).first_break
    assert found is not None
    assert (found.kind, found.sequence, found.position) == (BreakKind.GAP, place, place)


@given(LONGER, st.data())
def test_exchanged_entries_are_named_at_the_first(events: list[tuple[bytes, int]], data: st.DataObject) -> None:
    """Any two entries."""
    log = build(events)
    first = data.draw(st.integers(0, len(log) - 2))
    second = data.draw(st.integers(first + 1, len(log) - 1))
    log[first], log[second] = log[second], log[first]
    found = VERIFIER.check(log).first_break
    assert found is not None
    assert (found.kind, found.sequence, found.position) == (BreakKind.REORDERED, first, first)


@given(EVENTS, EVENTS, st.data())
def test_an_inserted_entry_of_another_chain_is_named(
    events: list[tuple[bytes, int]], others: list[tuple[bytes, int]], data: st.DataObject
) -> None:
    """An entry that was genuine elsewhere, even under the same key, is a break where it was put."""
    log = build(events)
    foreign = data.draw(st.sampled_from(build([(b"elsewhere" + event, step) for event, step in others])))
    place = data.draw(st.integers(1, len(log)))
    found = VERIFIER.check([*log[:place], foreign, *log[place:]]).first_break
    assert found is not None
    assert (found.sequence, found.position) == (place, place)


@given(EVENTS, st.data())
def test_an_inserted_copy_is_counted(events: list[tuple[bytes, int]], data: st.DataObject) -> None:
    """An exact copy of an entry that was verified says nothing new."""
    log = build(events)
    place = data.draw(st.integers(1, len(log)))
    copied = data.draw(st.integers(0, place - 1))
    report = VERIFIER.check([*log[:place], log[copied], *log[place:]])
    assert report.intact
    assert (report.entries, report.copies) == (len(log), 1)

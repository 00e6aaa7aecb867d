"""How each way of tampering is named."""

from __future__ import annotations

from typing import Any

from streamgate.audit import Break, BreakKind, Chain, ChainHead, Report, Verifier, read_checkpoint, write_checkpoint
from tests.fakes.signer import FakeSigner

SIGNER = FakeSigner()


def entries(count: int, signer: FakeSigner = SIGNER, text: bytes = b"event") -> list[dict[str, Any]]:
    """A chain of ``count`` events at offsets 0, 2, 4 and so on."""
    chain = Chain.start(None)
    made = [chain.append(text + bytes([number]), number * 2, signer) for number in range(count)]
    return [entry for entry in made if entry is not None]


def check(log: list[dict[str, Any]], **options: Any) -> Report:
    """Verify with the signer's own key."""
    return Verifier(SIGNER.public_keys()).check(log, **options)


def head_of(entry: dict[str, Any]) -> ChainHead:
    """The head that this entry is."""
    return ChainHead(entry["sequence"], entry["source_offset"], entry["hash"])


def test_an_untouched_log_is_intact() -> None:
    """All entries are counted, and the head is the last one."""
    log = entries(5)
    assert check(log) == Report(5, 0, None, head_of(log[-1]))
    assert check(log).intact
    assert check([]) == Report(0, 0, None, None)


def test_a_missing_entry_is_a_gap() -> None:
    """The break carries the sequence that belonged there and the offset of the entry that stands there."""
    log = entries(5)
    del log[2]
    assert check(log).first_break == Break(BreakKind.GAP, 2, 6, 2)


def test_a_missing_first_entry_is_a_gap_at_zero() -> None:
    """A chain begins at 0."""
    assert check(entries(3)[1:]).first_break == Break(BreakKind.GAP, 0, 2, 0)


def test_exchanged_entries_are_reordered() -> None:
    """What was due here stands further on."""
    log = entries(5)
    log[1], log[3] = log[3], log[1]
    assert check(log).first_break == Break(BreakKind.REORDERED, 1, 6, 1)


def test_an_altered_event_is_altered() -> None:
    """The hash no longer fits the fields."""
    log = entries(3)
    log[1]["event"] = b"another"
    assert check(log).first_break == Break(BreakKind.ALTERED, 1, 2, 1)


def test_an_entry_of_the_wrong_shape_is_altered() -> None:
    """A missing or mistyped field never raises."""
    for field, value in (("sequence", -1), ("source_offset", None), ("hash", b""), ("previous", "text"), ("key_id", 5), ("sequence", True)):
        log = entries(2)
        log[1][field] = value
        first_break = check(log).first_break
        assert first_break is not None
        assert (first_break.kind, first_break.sequence) == (BreakKind.ALTERED, 1)


def test_another_keys_signature_is_wrong() -> None:
    """The key id of a known key does not make a signature good."""
    log, forged = entries(3), entries(3, FakeSigner(9))
    log[1]["signature"] = forged[1]["signature"]
    assert check(log).first_break == Break(BreakKind.WRONG_SIGNATURE, 1, 2, 1)


def test_an_unknown_key_is_named() -> None:
    """A whole log of a key that was not given breaks at its first entry."""
    assert check(entries(3, FakeSigner(9))).first_break == Break(BreakKind.UNKNOWN_KEY, 0, 0, 0)


def test_a_rotated_key_keeps_its_entries() -> None:
    """With both public keys a chain that changed hands is intact."""
    old, new = FakeSigner(1), FakeSigner(2)
    chain = Chain.start(None)
    log = [chain.append(b"a", 0, old), chain.append(b"b", 1, new)]
    verifier = Verifier(old.public_keys() | new.public_keys())
    assert verifier.check([entry for entry in log if entry is not None]).intact


def test_a_genuine_entry_of_another_history_is_a_fork() -> None:
    """It is signed and in sequence, but does not continue the entry before."""
    log, other = entries(4), entries(4, text=b"other")
    assert check([*log[:2], *other[2:]]).first_break == Break(BreakKind.FORKED, 2, 4, 2)


def test_copies_are_counted_and_are_no_break() -> None:
    """At-least-once delivery may publish an entry, or a run of entries, again."""
    log = entries(4)
    assert check([log[0], log[0], log[1], log[2], log[1], log[2], log[3]]) == Report(4, 3, None, head_of(log[3]))


def test_an_altered_copy_is_a_break() -> None:
    """A copy has to be good in itself: the same sequence and hash with another event is altered."""
    log = entries(3)
    first_break = check([log[0], log[1], log[1] | {"event": b"another"}, log[2]]).first_break
    assert first_break == Break(BreakKind.ALTERED, 2, 2, 2)


def test_a_cut_end_shows_against_a_checkpoint_only() -> None:
    """Without a checkpoint a shorter log is a log; with one it is truncated."""
    log = entries(5)
    heads = read_checkpoint(write_checkpoint({3: head_of(log[4])}))
    assert check(log[:3]).intact
    assert check(log[:3], partition=3, expected_heads=heads).first_break == Break(BreakKind.TRUNCATED, 3, None, 3)
    assert check([], partition=3, expected_heads=heads).first_break == Break(BreakKind.TRUNCATED, 0, None, 0)
    assert check(log[:3], partition=4, expected_heads=heads).intact
    assert check(entries(7), partition=3, expected_heads=heads).intact


def test_a_history_rewritten_with_the_key_shows_against_a_checkpoint() -> None:
    """Whoever holds the key can make another chain, but not one that passes through the old head."""
    heads = {0: head_of(entries(5)[4])}
    rewritten = entries(6, text=b"other")
    assert check(rewritten).intact
    assert check(rewritten, expected_heads=heads).first_break == Break(BreakKind.FORKED, 4, 8, 4)


def test_a_pruned_log_needs_a_checkpoint_that_it_reaches() -> None:
    """It may begin anywhere up to the entry after the checkpoint's head, and not later."""
    log = entries(6)
    heads = {0: head_of(log[3])}
    assert check(log[2:], expected_heads=heads, pruned=True).intact
    assert check(log[4:], expected_heads=heads, pruned=True).intact
    assert check(log[5:], expected_heads=heads, pruned=True).first_break == Break(BreakKind.GAP, 0, 10, 0)
    assert check(log[2:], expected_heads=heads).first_break == Break(BreakKind.GAP, 0, 4, 0)
    assert check(log[2:], pruned=True).first_break == Break(BreakKind.GAP, 0, 4, 0)
    other = entries(6, text=b"other")
    assert check(other[4:], expected_heads=heads, pruned=True).first_break == Break(BreakKind.FORKED, 4, 8, 0)

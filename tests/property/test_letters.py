"""Originals keep their bytes, a replay never moves a record to a later place, a proof covers every field, a reply opens for one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streamgate.errors import SealBroken
from streamgate.pipeline._letters import proof_of, proven
from streamgate.pipeline._original import FIRST_OFFSET_HEADER, LETTER_HEADER, Original, first_offset
from streamgate.types import Inbound, Subject
from streamgate.vault import ReplyKey, StateSealer, seal_reply
from tests.fakes.effects import SeededEntropy
from tests.fakes.kms import FakeKms

PARTS = st.none() | st.binary(max_size=20)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from([FIRST_OFFSET_HEADER, LETTER_HEADER])
HEADERS = st.dictionaries(NAMES, PARTS, max_size=4)
OFFSETS = st.integers(0, 2**63 - 1)
RECORDS = st.builds(Inbound, st.just("prompts"), st.just(0), OFFSETS, st.just(0), PARTS, PARTS, HEADERS)
LETTERS = st.fixed_dictionaries(
    {
        "code": st.text(max_size=3),
        "role": st.text(max_size=3),
        "topic": st.text(max_size=3),
        "source_partition": st.integers(-(2**31), 2**31 - 1),
        "source_offset": st.integers(-(2**63), 2**63 - 1),
        "at": st.integers(-(2**63), 2**63 - 1),
        "lettered_at": st.integers(-(2**63), 2**63 - 1),
        "reference": PARTS,
        "size_bytes": st.integers(0, 3),
        "epoch": st.integers(0, 3),
        "sealed": st.binary(max_size=3),
    }
)
SEALER = StateSealer(FakeKms())


@given(RECORDS)
def test_an_original_comes_back_from_its_bytes(record: Inbound) -> None:
    """Key, value and headers, also those that are absent or empty."""
    original = Original.of(record)
    assert Original.from_bytes(original.to_bytes()) == original
    assert dict(original.headers) == record.headers
    assert (original.key, original.value) == (record.key, record.value)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: b"\x01" + data))
def test_any_bytes_are_an_original_or_refused(data: bytes) -> None:
    """Nothing else is raised, and what is read has these bytes and no other."""
    try:
        original = Original.from_bytes(data)
    except SealBroken:
        return
    assert original.to_bytes() == data


@given(RECORDS, st.data())
def test_altered_bytes_are_another_original_or_refused(record: Inbound, data: st.DataObject) -> None:
    """No two byte strings read as the same original."""
    blob = bytearray(Original.of(record).to_bytes())
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        assert Original.from_bytes(bytes(blob)) != Original.of(record)
    except SealBroken:
        return


@given(RECORDS, st.lists(OFFSETS, min_size=1, max_size=4))
def test_a_replay_never_moves_a_record_to_a_later_place(record: Inbound, offsets: list[int]) -> None:
    """However often it is replayed, and whatever its headers said before: it stood first where it did, or earlier."""
    own = {name: held for name, held in record.headers.items() if name not in {FIRST_OFFSET_HEADER, LETTER_HEADER}}
    current = record
    for number, offset in enumerate(offsets):
        headers = dict(Original.of(current).replayed(f"0@{number}", current.offset))
        assert headers.pop(LETTER_HEADER) == f"0@{number}".encode()
        moved = Inbound("prompts", 0, offset, 0, record.key, record.value, headers)
        assert first_offset(moved) <= min(first_offset(current), offset)
        assert {name: held for name, held in headers.items() if name != FIRST_OFFSET_HEADER} == own
        current = moved
    if FIRST_OFFSET_HEADER not in record.headers:
        assert first_offset(current) == min(record.offset, *offsets)


@given(RECORDS)
def test_a_key_names_a_subject_or_nobody(record: Inbound) -> None:
    """Whoever it names has that very key; and whoever has a key is named by it."""
    subject = Original.of(record).subject
    assert subject is None or subject.key() == record.key
    named = Subject("acme", "Jürgen\x1f4711")
    assert Original(named.key(), None).subject == named


@given(LETTERS, LETTERS)
def test_a_proof_is_of_one_letter(one: dict[str, Any], two: dict[str, Any]) -> None:
    """Two letters have the same proof only where every field is the same."""
    assert (proof_of(SEALER, one) == proof_of(SEALER, two)) == (one == two)


@given(LETTERS, st.data())
def test_a_proof_covers_each_field(letter: dict[str, Any], data: st.DataObject) -> None:
    """Whichever field is changed, the letter is not proven any more; under another key it never was."""
    signed = letter | {"proof": proof_of(SEALER, letter)}
    assert proven(SEALER, signed)
    name = data.draw(st.sampled_from(sorted(letter)))
    other = data.draw(LETTERS)[name]
    assume(other != letter[name])
    assert not proven(SEALER, signed | {name: other})
    assert not proven(StateSealer(FakeKms(seed="another")), signed)


@given(st.binary(max_size=80), st.binary(max_size=10), st.binary(max_size=10))
def test_a_reply_opens_for_the_question_it_was_made_for(plain: bytes, aad: bytes, other: bytes) -> None:
    """Under its key and its AAD, and no other."""
    key = ReplyKey(SeededEntropy("asks"))
    blob = seal_reply(key.public_key, plain, aad)
    assert key.open(blob, aad) == plain
    assert plain not in blob or len(plain) < 4
    with pytest.raises(SealBroken):
        ReplyKey(SeededEntropy("somebody else")).open(blob, aad)
    if other != aad:
        with pytest.raises(SealBroken):
            key.open(blob, other)


def test_every_altered_or_missing_byte_of_a_reply_is_noticed() -> None:
    """At every position, and at every length."""
    key = ReplyKey(SeededEntropy("asks"))
    blob = seal_reply(key.public_key, b"original", b"aad")
    for place in range(len(blob)):
        altered = bytearray(blob)
        altered[place] ^= 1
        for broken in (bytes(altered), blob[:place]):
            with pytest.raises(SealBroken):
                key.open(broken, b"aad")


@given(st.binary(max_size=40))
def test_any_bytes_are_a_key_or_refused(public_key: bytes) -> None:
    """A question with a key of another form cannot stop the worker."""
    try:
        seal_reply(public_key, b"original", b"")
    except SealBroken:
        return
    assert len(public_key) == 32

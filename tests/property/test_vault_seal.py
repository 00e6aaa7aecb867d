"""Sealed values open where they were sealed, unaltered, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streamgate.errors import SealBroken
from streamgate.vault import Aad, StateSealer, sealed_key_id
from streamgate.vault._fields import fields
from tests.fakes.kms import FakeKms
from tests.fakes.vault import aad_of, keys_of

AADS = st.builds(
    Aad,
    purpose=st.text(max_size=3),
    tenant=st.text(max_size=3),
    subject_digest=st.binary(max_size=3),
    incarnation=st.integers(0, 3),
    kind=st.text(max_size=3),
    row=st.binary(max_size=3),
)


@given(plain=st.binary(max_size=80), aad=AADS)
def test_what_was_sealed_opens(plain: bytes, aad: Aad) -> None:
    """Under the same keys and AAD, and its header names the key."""
    blob = keys_of().seal(plain, aad)
    assert keys_of().open(blob, aad) == plain
    assert plain not in blob or len(plain) < 4
    assert len(sealed_key_id(blob)) == 8


@given(one=AADS, two=AADS)
def test_different_aads_have_different_bytes(one: Aad, two: Aad) -> None:
    """No field can borrow from its neighbour."""
    assert (one.to_bytes() == two.to_bytes()) == (one == two)


@given(st.lists(st.binary(max_size=3), max_size=4), st.lists(st.binary(max_size=3), max_size=4))
def test_fields_are_unambiguous(one: list[bytes], two: list[bytes]) -> None:
    """Two lists have the same bytes only if they are the same."""
    assert (fields(*one) == fields(*two)) == (one == two)


def test_every_altered_or_missing_byte_is_noticed() -> None:
    """At every position, of the header too, and at every length."""
    keys = keys_of()
    blob = keys.seal(b"secret", aad_of())
    for place in range(len(blob)):
        for bit in range(8):
            altered = bytearray(blob)
            altered[place] ^= 1 << bit
            with pytest.raises(SealBroken) as broken:
                keys.open(bytes(altered), aad_of())
            assert broken.value.__cause__ is None
        with pytest.raises(SealBroken):
            keys.open(blob[:place], aad_of())
    with pytest.raises(SealBroken):
        keys.open(blob + b"\0", aad_of())


@pytest.mark.parametrize(
    "other",
    [
        replace(aad_of(), purpose="marketing"),
        replace(aad_of(), tenant="other"),
        replace(aad_of(), subject_digest=b"someone"),
        replace(aad_of(), incarnation=2),
        replace(aad_of(), kind="row"),
        replace(aad_of(), row=b"another"),
    ],
)
def test_each_part_of_the_aad_binds(other: Aad) -> None:
    """A blob that was moved does not open."""
    blob = keys_of().seal(b"secret", aad_of())
    with pytest.raises(SealBroken):
        keys_of().open(blob, other)


def test_other_subjects_and_purposes_cannot_open() -> None:
    """Their keys are unrelated, although the AAD is the same."""
    blob = keys_of().seal(b"secret", aad_of())
    for keys in (keys_of("other"), keys_of(purpose="marketing")):
        with pytest.raises(SealBroken):
            keys.open(blob, aad_of())


@given(row=st.binary(max_size=8), other=st.binary(max_size=8), value=st.binary(max_size=40))
def test_a_state_row_opens_under_its_own_key_only(row: bytes, other: bytes, value: bytes) -> None:
    """A row copied to another key is broken."""
    sealer = StateSealer(FakeKms())
    blob = sealer.seal_row(row, value)
    assert sealer.open_row(row, blob) == value
    assume(row != other)
    with pytest.raises(SealBroken):
        sealer.open_row(other, blob)


def test_every_altered_byte_of_a_state_row_is_noticed() -> None:
    """At every position and length."""
    sealer = StateSealer(FakeKms())
    blob = sealer.seal_row(b"row", b"value")
    for place in range(len(blob)):
        altered = bytearray(blob)
        altered[place] ^= 1
        for broken in (bytes(altered), blob[:place]):
            with pytest.raises(SealBroken):
                sealer.open_row(b"row", broken)


@given(st.lists(st.binary(max_size=3), max_size=4), st.lists(st.binary(max_size=3), max_size=4))
def test_digests_are_equal_for_equal_parts_only(one: list[bytes], two: list[bytes]) -> None:
    """Label and parts cannot be shifted into one another."""
    sealer = StateSealer(FakeKms())
    assert (sealer.digest(b"label", *one) == sealer.digest(b"label", *two)) == (one == two)

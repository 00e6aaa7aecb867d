"""The state table of enrolment and erasure, move by move, and its persisted form."""

import pytest

from streamgate.errors import SealBroken, StreamgateError
from streamgate.rights import Enrolment, Standing, admits, enrol, erase, standing

REFERENCE, KEY = bytes(range(16)), bytes(range(8))
REFERENCE_2, KEY_2 = bytes(range(16, 32)), bytes(range(8, 16))
FENCES = {"prompts": 10, "consents": 3}

ENROLLED = Enrolment(1, REFERENCE, KEY, 1000)
ERASED = Enrolment(1, REFERENCE, KEY, 1000, 2000, FENCES)
AGAIN = Enrolment(2, REFERENCE_2, KEY_2, 3000, None, FENCES)


def test_enrol() -> None:
    """From absent to enrolled(1), from erased(n) to enrolled(n + 1), and the fences stay."""
    assert enrol(None, 1000, reference=REFERENCE, key_id=KEY) == ENROLLED
    assert enrol(ERASED, 3000, reference=REFERENCE_2, key_id=KEY_2) == AGAIN


def test_erase() -> None:
    """From enrolled to erased, in the same incarnation; erased again: later fences only."""
    assert erase(ENROLLED, 2000, FENCES) == ERASED
    twice = erase(ERASED, 2500, {"prompts": 5, "consents": 9, "subject-requests": 1})
    assert twice == Enrolment(1, REFERENCE, KEY, 1000, 2500, {"prompts": 10, "consents": 9, "subject-requests": 1})


def test_an_absent_subject_can_be_erased() -> None:
    """Prompts of somebody never seen may be on their way: the fences hold for them, and enrolment starts at 1."""
    erased = erase(None, 2000, FENCES)
    assert standing(erased) is Standing.ERASED
    assert erased.incarnation == 0
    assert not admits(erased, "prompts", 9)
    assert enrol(erased, 3000, reference=REFERENCE, key_id=KEY).incarnation == 1


@pytest.mark.parametrize(
    ("current", "reference", "key_id"),
    [(ENROLLED, REFERENCE_2, KEY_2), (ERASED, REFERENCE, KEY_2), (ERASED, REFERENCE_2, KEY)],
    ids=["already enrolled", "reference of the erased", "key of the erased"],
)
def test_illegal_moves(current: Enrolment, reference: bytes, key_id: bytes) -> None:
    """Nobody is enrolled twice, and nothing of an erased incarnation is used again."""
    with pytest.raises(StreamgateError):
        enrol(current, 3000, reference=reference, key_id=key_id)


@pytest.mark.parametrize(("reference", "key_id", "incarnation"), [(b"", KEY, 1), (REFERENCE, b"", 1), (REFERENCE, KEY, -1)])
def test_fields_that_do_not_fit(reference: bytes, key_id: bytes, incarnation: int) -> None:
    """A reference has 16 bytes, a key id 8, and incarnations are counted from 0."""
    with pytest.raises(StreamgateError):
        Enrolment(incarnation, reference, key_id, 0)


def test_admits() -> None:
    """A fence is the end offset: what lies below was there at the erasure. Topics without a fence, and strangers, are admitted."""
    for state in (ERASED, AGAIN):
        assert not admits(state, "prompts", 9)
        assert admits(state, "prompts", 10)
        assert admits(state, "completions", 0)
    assert admits(None, "prompts", 0)
    assert admits(ENROLLED, "prompts", 0)


HEADER = "000102030405060708090a0b0c0d0e0f0001020304050607"
GOLDEN = {
    "010000000001" + HEADER + "00000000000003e8000000000000000000": ENROLLED,
    "0101"
    "00000001" + HEADER + "00000000000003e8"
    "00000000000007d0"
    "02"
    "08"
    "636f6e73656e7473"
    "0000000000000003"
    "07"
    "70726f6d707473"
    "000000000000000a": ERASED,
}


@pytest.mark.parametrize(("vector", "value"), GOLDEN.items())
def test_golden_vectors(vector: str, value: Enrolment) -> None:
    """Version 1 is read and written to the byte; the vectors were written by hand from the grammar."""
    assert value.to_bytes().hex() == vector
    assert Enrolment.from_bytes(bytes.fromhex(vector)) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02" + ENROLLED.to_bytes()[1:],
        ENROLLED.to_bytes()[:-1],
        ENROLLED.to_bytes() + b"\x00",
        ERASED.to_bytes()[:-1],
        b"\x01\x02" + ERASED.to_bytes()[2:],
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    """An unknown version, an unknown state, cut or longer bytes do not open."""
    with pytest.raises(SealBroken):
        Enrolment.from_bytes(data)


def test_repr_shows_no_reference() -> None:
    """A reference links audit entries to each other; it does not stand in a log."""
    assert repr(ERASED) == "Enrolment(erased, incarnation 1)"

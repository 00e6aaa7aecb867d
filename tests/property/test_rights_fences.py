"""Rights: whatever happens, nothing at or before an erasure is admitted again."""

from hypothesis import given
from hypothesis import strategies as st

from streamgate.errors import SealBroken, StreamgateError
from streamgate.rights import Enrolment, admits, enrol, erase

TOPICS = ("prompts", "consents", "subject-requests")
fences = st.dictionaries(st.sampled_from(TOPICS), st.integers(0, 50))
moves = st.lists(st.one_of(st.just(None), fences), max_size=12)


def played(sequence: list[dict[str, int] | None]) -> tuple[Enrolment | None, list[dict[str, int]], list[int]]:
    """Enrol for ``None``, erase for fences; illegal moves change nothing."""
    state: Enrolment | None = None
    raised: list[dict[str, int]] = []
    incarnations: list[int] = []
    for at, move in enumerate(sequence):
        if move is not None:
            state = erase(state, at, move)
            raised.append(move)
            continue
        try:
            state = enrol(state, at, reference=(at + 1).to_bytes(16, "big"), key_id=(at + 1).to_bytes(8, "big"))
        except StreamgateError:
            continue
        incarnations.append(state.incarnation)
    return state, raised, incarnations


@given(moves, st.sampled_from(TOPICS), st.integers(0, 60))
def test_no_sequence_admits_what_lies_below_a_fence(sequence: list[dict[str, int] | None], topic: str, offset: int) -> None:
    """A record is admitted exactly where it lies at or above every fence its topic ever had."""
    state, raised, _ = played(sequence)
    assert admits(state, topic, offset) is all(offset >= fence.get(topic, 0) for fence in raised)


@given(moves)
def test_incarnations_only_count_up(sequence: list[dict[str, int] | None]) -> None:
    """Each enrolment is one more than the last, from 1."""
    _, _, incarnations = played(sequence)
    assert incarnations == list(range(1, len(incarnations) + 1))


@given(moves)
def test_bytes_round_trip(sequence: list[dict[str, int] | None]) -> None:
    """What is written is read back."""
    state, _, _ = played(sequence)
    if state is not None:
        assert Enrolment.from_bytes(state.to_bytes()) == state


@given(st.binary(max_size=80).map(lambda tail: b"\x01" + tail))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Accepted bytes are canonical; all others raise our own error."""
    try:
        state = Enrolment.from_bytes(data)
    except SealBroken:
        return
    assert state.to_bytes() == data

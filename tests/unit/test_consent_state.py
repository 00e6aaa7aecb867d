"""The persisted form of a subject's decisions."""

import pytest

from streamgate.consent import ConsentEvent, ConsentState, Decision
from streamgate.errors import SealBroken

EMPTY = bytes.fromhex("010000")
GOLDEN = bytes.fromhex(
    "01"
    "0003"
    "0300"
    "0000019000000000"
    "0000000000000007"
    "0002"
    "6872"
    "00000000000003e8"
    "0000000000000001"
    "010b"
    "c3bc62756e672d74657374"
    "ffffffffffffffff"
    "7fffffffffffffff"
)
EVENTS = (
    ConsentEvent(None, Decision.WITHDRAW, 0x19000000000, 7),
    ConsentEvent("hr", Decision.GRANT, 1000, 1),
    ConsentEvent("übung-test", Decision.WITHDRAW, -1, 2**63 - 1),
)


def test_golden_vectors() -> None:
    """Version 1 is read and written to the byte; the vectors were written by hand from the grammar."""
    state = ConsentState({event.purpose: event for event in reversed(EVENTS)})
    assert ConsentState().to_bytes() == EMPTY
    assert state.to_bytes() == GOLDEN
    assert ConsentState.from_bytes(GOLDEN) == state
    assert state.events() == EVENTS


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\x02\x00\x00", b"\x01", b"\x01\x00\x01", GOLDEN[:-1], GOLDEN + b"\x00", b"\x01\xff" + GOLDEN[2:]]
)
def test_other_bytes_are_refused(data: bytes) -> None:
    """An unknown version, cut, longer or miscounted bytes do not open."""
    with pytest.raises(SealBroken):
        ConsentState.from_bytes(data)


def test_repr_shows_a_count() -> None:
    """A subject's decisions do not stand in a log."""
    assert repr(ConsentState({event.purpose: event for event in EVENTS})) == "ConsentState(3 decisions)"

"""A window counts what was charged in the last sixty seconds, whatever is settled and released meanwhile."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamgate.provider import WINDOW_SECONDS, Amount, Window
from streamgate.provider._window import MARGIN_SECONDS

STANDS = WINDOW_SECONDS + MARGIN_SECONDS
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(0, 40, allow_nan=False)),
        st.tuples(st.just("charge"), st.integers(1, 500)),
        st.tuples(st.just("settle"), st.integers(0, 900)),
        st.tuples(st.just("release"), st.integers(0, 5)),
    ),
    max_size=50,
)


@given(STEPS)
def test_the_window_agrees_with_a_list_of_charges(steps: list[tuple[str, float]]) -> None:
    """Totals, slices and what stands for a tenant are those of the charges that are young enough."""
    window, now = Window(), 0.0
    charges: dict[int, tuple[float, int]] = {}
    for step, amount in steps:
        number = list(charges)[int(amount) % len(charges)] if charges else 0
        if step == "pass":
            now += amount
        elif step == "charge":
            charges[window.charge(int(amount), now, "t")] = (now, int(amount))
        elif step == "settle" and charges:
            window.settle(number, int(amount), now)
            if charges[number][0] + STANDS > now:
                charges[number] = (charges[number][0], int(amount))
        elif step == "release" and charges:
            window.release(number, now)
            charges.pop(number)
        young = [tokens for at, tokens in charges.values() if at + STANDS > now]
        total = Amount(len(young), sum(young))
        assert window.charged(now) == total
        assert sum(window.slices(now), Amount()) == total
        assert window.of_tenant("t", now) == total


@given(st.lists(st.tuples(st.floats(0, 30, allow_nan=False), st.integers(1, 100)), min_size=1, max_size=20), st.integers(1, 30))
def test_room_comes_free_when_it_is_said_to(steps: list[tuple[float, int]], wanted: int) -> None:
    """At that time so much has gone, and a moment earlier it had not."""
    window, now = Window(), 0.0
    for seconds, tokens in steps:
        now += seconds
        window.charge(tokens, now)
    before = window.charged(now)
    at = window.frees_at(Amount(wanted, 0), now)
    if wanted > before.requests:
        assert at == float("inf")
    else:
        assert (before - window.charged(at)).requests >= wanted


def test_time_does_not_go_back() -> None:
    """An earlier time counts as the latest that was seen."""
    window = Window()
    window.charge(5, 100.0)
    assert window.charged(161.0) == Amount()
    window.charge(7, 50.0)
    assert window.charged(220.0) == Amount(1, 7)

"""The breaker: its table, what cannot happen, and its pauses."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.provider import Breaker, Reason
from streamgate.provider._breaker import COUNTED, TABLE, TOLERATED, Event, IllegalMove, State


def outage(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(TOLERATED):
        breaker.failed(Reason.TIMEOUT, now)
    return breaker


def probing() -> Breaker:
    breaker = outage()
    breaker.passed(1.0)
    return breaker


def at(state: State) -> tuple[Breaker, float]:
    """A breaker that came to a state by what happened to it, and a time at which it is in it."""
    made = {
        State.CLOSED: (Breaker(), 0.0),
        State.OPEN: (outage(), 0.5),
        State.HALF_OPEN: (outage(), 1.0),
        State.PROBING: (probing(), 1.5),
    }[state]
    assert made[0].state(made[1]) is state
    return made


@pytest.mark.parametrize("state", list(State))
def test_the_table_is_what_the_breaker_does(state: State) -> None:
    """Each event of a call, in each state."""
    breaker, now = at(state)
    breaker.succeeded()
    assert breaker.state(now) is TABLE[state, Event.ANSWERED] is State.CLOSED
    breaker, now = at(state)
    breaker.failed(Reason.TIMEOUT, now)
    assert breaker.state(now) is TABLE[state, Event.FAILED]
    breaker, now = at(state)
    for reason in set(Reason) - COUNTED:
        breaker.failed(reason, now)
    assert breaker.state(now) is state


@pytest.mark.parametrize(("state", "event"), [pair for pair in itertools.product(State, Event) if pair not in TABLE])
def test_what_is_not_in_the_table_cannot_happen(state: State, event: Event) -> None:
    """A mistake of ours is told, and changes nothing."""
    breaker, now = at(state)
    with pytest.raises(IllegalMove):
        breaker._move(event)
    assert breaker.state(now) is state


@pytest.mark.parametrize("state", [State.OPEN, State.PROBING])
def test_a_call_that_may_not_pass_is_a_mistake(state: State) -> None:
    """Whoever calls asks first."""
    breaker, now = at(state)
    assert breaker.wait_seconds(now) > 0
    with pytest.raises(IllegalMove, match="called while"):
        breaker.passed(now)


def test_every_state_is_reached_and_left() -> None:
    """None is a trap."""
    assert set(TABLE.values()) == set(State)
    assert {state for state, _ in TABLE} == set(State)
    assert all(any(after is not state for (before, _), after in TABLE.items() if before is state) for state in State)


def test_a_success_starts_the_count_anew() -> None:
    """Failures in a row, not in all; and the next outage begins with the first pause."""
    breaker = Breaker()
    for _ in range(3):
        for _ in range(TOLERATED - 1):
            breaker.failed(Reason.CONNECTION, 0.0)
        breaker.succeeded()
    assert breaker.state(0.0) is State.CLOSED
    breaker = probing()
    breaker.failed(Reason.TIMEOUT, 1.0)
    assert breaker.wait_seconds(1.0) == 2.0
    breaker.succeeded()
    for _ in range(TOLERATED):
        breaker.failed(Reason.TIMEOUT, 5.0)
    assert breaker.wait_seconds(5.0) == 1.0


@given(st.lists(st.tuples(st.sampled_from(["call", "answer", "fail"]), st.floats(0.0, 20.0)), max_size=60))
def test_it_never_waits_longer_than_the_longest_pause_and_never_for_good(steps: list[tuple[str, float]]) -> None:
    """Whatever happens in whatever order, as long as calls are made only where they may be."""
    breaker, now = Breaker(), 0.0
    for what, seconds in steps:
        now += seconds
        assert 0.0 <= breaker.wait_seconds(now) <= 30.0
        if what == "call" and breaker.wait_seconds(now) == 0.0:
            breaker.passed(now)
        elif what == "answer":
            breaker.succeeded()
        elif what == "fail":
            breaker.failed(Reason.SERVER_ERROR, now)
    assert breaker.wait_seconds(now + breaker.wait_seconds(now) + 0.001) == 0.0

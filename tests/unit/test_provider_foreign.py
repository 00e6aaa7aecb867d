"""What the headers of replies tell about others who use the same account."""

from __future__ import annotations

import math

import pytest

from streamgate.provider import NOTHING, Amount, Foreign, Quota, RateHeaders

LIMIT = Amount(100, 10_000)


def said(level: float, reset_seconds: float | None) -> RateHeaders:
    """A reply about a quota of requests of which so much is left."""
    return RateHeaders(Quota(100, int(100 * level), reset_seconds), Quota())


def test_a_bucket_that_falls_slows_calls_down_and_an_empty_one_stops_them() -> None:
    """The time until it is full tells that it is a bucket."""
    paces = []
    for level in (0.9, 0.5, 0.4, 0.2, 0.05):
        foreign = Foreign()
        foreign.heard(said(level, 60 * (1 - level)), LIMIT, LIMIT.part(0.6), 0.0)
        paces.append(foreign.pace(0.0))
    assert paces[:2] == [math.inf, math.inf]
    assert 1 < paces[2] < math.inf
    assert 0 < paces[3] < 1
    assert paces[4] == 0


def test_where_nothing_more_is_heard_it_is_taken_to_fill_again() -> None:
    """A bucket that was empty is full a minute later."""
    foreign = Foreign()
    foreign.heard(said(0.05, 57.0), LIMIT, LIMIT, 10.0)
    assert foreign.pace(10.0) == 0
    assert foreign.pace(40.0) == pytest.approx(0.5)
    assert foreign.pace(70.0) == pytest.approx(1.0)


@pytest.mark.parametrize("reset_seconds", [None, 3.0, 86_400.0])
def test_what_is_no_bucket_of_a_minute_slows_nothing(reset_seconds: float | None) -> None:
    """A fixed minute that is nearly over, a day's quota, and one that does not say."""
    foreign = Foreign()
    foreign.heard(said(0.2, reset_seconds), LIMIT, LIMIT.part(0.8), 0.0)
    assert foreign.pace(0.0) == math.inf


def test_what_is_missing_beyond_our_own_use_is_set_aside() -> None:
    """Of a window of a minute: 40 of 100 are ours, 20 are left, so 40 less a tolerance are somebody's."""
    foreign = Foreign()
    foreign.heard(said(0.2, None), LIMIT, Amount(40, 0), 0.0)
    assert foreign.left_of(LIMIT, 1.0).requests == 65
    assert foreign.left_of(LIMIT, 6.0) == LIMIT


def test_a_lower_limit_than_the_one_that_was_set_is_believed() -> None:
    """For as long as it is said now and then."""
    foreign = Foreign()
    foreign.heard(RateHeaders(Quota(50, 50, 0.0), Quota()), LIMIT, NOTHING, 0.0)
    assert foreign.left_of(LIMIT, 100.0) == Amount(50, 10_000)
    assert foreign.left_of(LIMIT, 700.0) == LIMIT

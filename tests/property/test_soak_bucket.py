"""The limits of the soak's provider."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamgate.demo.soak._bucket import Account
from streamgate.demo.soak._evidence import Limit

STEPS = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 500)), max_size=80)


@given(st.integers(1, 100), st.integers(500, 5_000), STEPS)
def test_no_more_is_granted_than_a_bucket_and_what_flowed_in(requests: int, tokens: int, steps: list[tuple[float, int]]) -> None:
    """What was granted up to any moment is a minute's worth and what was refilled since; a refusal says when there is room."""
    account, now = Account(Limit(requests, tokens), 0.0), 0.0
    granted_tokens = 0
    for granted_requests, (pause, amount) in enumerate(steps, 1):
        now += pause
        wait = account.take(amount, now)
        if wait:
            now += wait + 1e-6
            assert account.take(amount, now) == 0
        granted_tokens += amount
        assert granted_requests <= requests * (1 + now / 60) + 1e-3
        assert granted_tokens <= tokens * (1 + now / 60) + 1e-3


def test_headers_say_what_is_left() -> None:
    """Remaining and reset of requests and tokens, as a client reads them."""
    account = Account(Limit(60, 6_000), 0.0)
    assert account.take(100, 0.0) == 0
    found = account.headers()
    assert found["x-ratelimit-remaining-requests"] == "59"
    assert found["x-ratelimit-remaining-tokens"] == "5900"
    assert found["x-ratelimit-reset-requests"] == "1000ms"


def test_what_was_refused_takes_nothing() -> None:
    """A request for which there are no tokens leaves the requests as they were."""
    account = Account(Limit(60, 600), 0.0)
    assert account.take(600, 0.0) == 0
    assert account.take(600, 1.0) > 0
    assert account.headers()["x-ratelimit-remaining-requests"] == "60"

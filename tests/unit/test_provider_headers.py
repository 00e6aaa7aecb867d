"""Durations, retry-after and quotas in headers, and whatever else may stand there."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.provider import Quota, RateHeaders, duration_seconds, rate_headers, retry_after_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.2s", 1.2),
        ("6m0s", 360.0),
        ("20ms", 0.02),
        ("1h2m3s", 3723.0),
        ("1d", 86_400.0),
        ("17", 17.0),
        (" 5s ", 5.0),
        ("999999999h", 86_400.0),
        ("", None),
        ("s", None),
        ("-1s", None),
        ("1s!", None),
        ("1,5s", None),
        ("١s", None),
        ("1e9s", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    """As OpenAI writes them; a day at most; anything else counts as absent."""
    assert duration_seconds(text) == (None if seconds is None else pytest.approx(seconds))


def test_a_date_without_the_replys_own_is_compared_with_our_clock() -> None:
    """RFC 9110 §10.2.3; a date in the past is no wait."""
    date = "Wed, 21 Oct 2015 07:28:30 GMT"
    assert retry_after_seconds({"retry-after": date}, 1_445_412_500.0) == 10.0
    assert retry_after_seconds({"retry-after": date}, 1_445_412_600.0) == 0.0


def test_no_quota_is_none() -> None:
    """A server that states none corrects nothing."""
    assert rate_headers({"content-type": "application/json"}) is None
    assert rate_headers({"x-ratelimit-limit-tokens": "9" * 15}) == RateHeaders(tokens=Quota(limit=999_999_999_999_999))
    assert rate_headers({"x-ratelimit-remaining-tokens": "-1"}) is None


@given(st.text(max_size=60), st.floats(allow_nan=False, allow_infinity=False))
def test_anything_may_stand_in_a_header(text: str, now: float) -> None:
    """Never raises; a number that comes out is a sane one."""
    found = [duration_seconds(text), retry_after_seconds({"retry-after": text, "retry-after-ms": text, "date": text}, now)]
    limits = rate_headers({f"x-ratelimit-{part}-{of}": text for part in ("limit", "remaining", "reset") for of in ("requests", "tokens")})
    if limits is not None:
        found += [limits.requests.reset_seconds, limits.tokens.remaining]
    for number in found:
        assert number is None or (math.isfinite(number) and number >= 0)

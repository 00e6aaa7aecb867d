"""When to call again, and what a failure means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.errors import Code, ConfigError, StreamgateError
from streamgate.provider import CODE_OF, RETRYABLE, Reason, RetryPolicy, classify, failed

POLICY = RetryPolicy(max_attempts=4, first_delay_seconds=0.5, longest_delay_seconds=20.0)


def test_every_reason_has_a_code() -> None:
    """The table is complete, and what is retried is never the provider's final word."""
    assert set(CODE_OF) == set(Reason)
    assert not {Reason.QUOTA_SPENT, Reason.UNAUTHORISED, Reason.REFUSED, Reason.CONTENT_FILTERED, Reason.CONTEXT_TOO_LONG} & RETRYABLE


def test_a_failure_is_one_of_our_errors_and_says_its_code_and_reason() -> None:
    """And the reader's next step; nothing else."""
    error = failed(Reason.QUOTA_SPENT)
    assert isinstance(error, StreamgateError)
    assert str(error) == "provider_quota_spent (quota_spent): the provider account has no quota left; check its billing"


def test_the_error_code_goes_before_the_status() -> None:
    """429 means two things; the type counts where there is no code."""
    assert classify(429, ()) is Reason.RATE_LIMITED
    assert classify(429, ("insufficient_quota",)) is Reason.QUOTA_SPENT
    assert classify(429, ("something_new", "insufficient_quota")) is Reason.QUOTA_SPENT


@given(st.integers(100, 999), st.lists(st.text(max_size=30), max_size=2))
def test_every_status_is_classified(status: int, codes: list[str]) -> None:
    """Also those nobody has heard of; an unknown server error may pass, an unknown client error does not."""
    reason = classify(status, tuple(codes))
    if 500 <= status < 600:
        assert reason in RETRYABLE
    if status // 100 not in {4, 5}:
        assert reason not in RETRYABLE


def test_a_final_failure_is_not_repeated() -> None:
    """Whatever time and attempts are left."""
    assert POLICY.next_delay(1, failed(Reason.QUOTA_SPENT, retry_after_seconds=1.0), 1000.0, bytes(8)) is None


def test_attempts_are_bounded() -> None:
    """The first call counts."""
    failure = failed(Reason.SERVER_ERROR)
    assert POLICY.next_delay(3, failure, 1000.0, bytes(8)) is not None
    assert POLICY.next_delay(4, failure, 1000.0, bytes(8)) is None


def test_delays_double_up_to_the_longest() -> None:
    """At the lower end of the jitter: half of each step."""
    patient = RetryPolicy(max_attempts=10_000, first_delay_seconds=0.5, longest_delay_seconds=20.0)
    failure = failed(Reason.TIMEOUT)
    assert [patient.next_delay(attempts, failure, 1000.0, bytes(8)) for attempts in (1, 2, 3, 6, 7, 9999)] == [
        0.25,
        0.5,
        1.0,
        8.0,
        10.0,
        10.0,
    ]


@given(st.integers(1, 3), st.binary(max_size=12), st.none() | st.floats(0, 1000), st.floats(-10, 1000))
def test_a_delay_keeps_to_what_was_asked_and_to_the_deadline(
    attempts: int, random_bytes: bytes, retry_after: float | None, left: float
) -> None:
    """Never earlier than retry-after, never as late as the deadline, and no longer than it must be."""
    delay = POLICY.next_delay(attempts, failed(Reason.RATE_LIMITED, retry_after_seconds=retry_after), left, random_bytes)
    if delay is not None:
        assert (retry_after or 0.0) <= delay < left
        assert delay <= (retry_after or 0.0) + 0.5 * 2**attempts


@pytest.mark.parametrize("fields", [{"max_attempts": 0}, {"first_delay_seconds": 0.0}, {"longest_delay_seconds": 0.1}])
def test_a_policy_that_makes_no_sense_is_not_built(fields: dict[str, float]) -> None:
    """It fails when built, not when first used."""
    with pytest.raises(ConfigError):
        RetryPolicy(**fields)  # type: ignore[arg-type]  # one field at a time, by name


def test_codes_stay_within_what_egress_may_say() -> None:
    """A call never ends as refused by us, or as fine."""
    assert set(CODE_OF.values()) <= {
        Code.PROVIDER_FAILED,
        Code.PROVIDER_INVALID_REPLY,
        Code.PROVIDER_QUOTA_SPENT,
        Code.PROVIDER_REFUSED,
        Code.PROVIDER_UNAUTHORISED,
        Code.CONTEXT_TOO_LONG,
    }

"""How a call can fail, without a word of what the provider said."""

from __future__ import annotations

from enum import StrEnum, unique

from streamgate.errors import Code, StreamgateError
from streamgate.provider._call import RateHeaders
from streamgate.types import Usage


@unique
class Reason(StrEnum):
    """Why a call failed: the closed set that metrics and logs may name."""

    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    CONFLICT = "conflict"
    UNTRUSTED = "untrusted"
    """The server's certificate does not hold; nothing was sent."""
    UNAUTHORISED = "unauthorised"
    QUOTA_SPENT = "quota_spent"
    NOT_FOUND = "not_found"
    REJECTED = "rejected"
    """The provider calls the request malformed; it would say so again."""
    CONTENT_FILTERED = "content_filtered"
    REFUSED = "refused"
    """The model declined."""
    CONTEXT_TOO_LONG = "context_too_long"
    REDIRECTED = "redirected"
    NOT_JSON = "not_json"
    """Truncated, HTML of something in between, or no UTF-8."""
    WRONG_SHAPE = "wrong_shape"
    OVERSIZE = "oversize"
    UNEXPECTED = "unexpected"
    """The SDK failed in a way it does not document."""


class CallFailed(StreamgateError):
    """One attempt failed. Whether there is another is decided by :class:`streamgate.provider.RetryPolicy`."""

    def __init__(
        self,
        code: Code,
        reason: Reason,
        *,
        retryable: bool,
        retry_after_seconds: float | None = None,
        limits: RateHeaders | None = None,
        usage: Usage | None = None,
    ) -> None:
        """Codes and numbers only; ``retry_after_seconds`` is what the provider asked for, ``usage`` what it says was used."""
        self.reason = reason
        self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        self.limits = limits
        self.usage = usage
        super().__init__(code, reason.value)

"""The table of failures: what a status, an error code or an end of the connection means, and whether to try again.

An error code in the body goes before the status: OpenAI answers 429 both to "slow down" and to "there is no money left", and only one of
them gets better by waiting. Statuses as in RFC 9110 §15; 529 is what some providers say for "overloaded".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from streamgate.errors import Code
from streamgate.provider._call import RateHeaders
from streamgate.provider._failure import CallFailed, Reason
from streamgate.types import Usage

CODE_OF: Final[Mapping[Reason, Code]] = MappingProxyType(
    {
        Reason.RATE_LIMITED: Code.PROVIDER_FAILED,
        Reason.OVERLOADED: Code.PROVIDER_FAILED,
        Reason.SERVER_ERROR: Code.PROVIDER_FAILED,
        Reason.TIMEOUT: Code.PROVIDER_FAILED,
        Reason.CONNECTION: Code.PROVIDER_FAILED,
        Reason.CONFLICT: Code.PROVIDER_FAILED,
        Reason.UNTRUSTED: Code.PROVIDER_FAILED,
        Reason.UNAUTHORISED: Code.PROVIDER_UNAUTHORISED,
        Reason.QUOTA_SPENT: Code.PROVIDER_QUOTA_SPENT,
        Reason.NOT_FOUND: Code.PROVIDER_FAILED,
        Reason.REJECTED: Code.PROVIDER_FAILED,
        Reason.CONTENT_FILTERED: Code.PROVIDER_REFUSED,
        Reason.REFUSED: Code.PROVIDER_REFUSED,
        Reason.CONTEXT_TOO_LONG: Code.CONTEXT_TOO_LONG,
        Reason.REDIRECTED: Code.PROVIDER_INVALID_REPLY,
        Reason.NOT_JSON: Code.PROVIDER_INVALID_REPLY,
        Reason.WRONG_SHAPE: Code.PROVIDER_INVALID_REPLY,
        Reason.OVERSIZE: Code.PROVIDER_INVALID_REPLY,
        Reason.UNEXPECTED: Code.PROVIDER_FAILED,
    }
)

RETRYABLE: Final = frozenset(
    {
        Reason.RATE_LIMITED,
        Reason.OVERLOADED,
        Reason.SERVER_ERROR,
        Reason.TIMEOUT,
        Reason.CONNECTION,
        Reason.CONFLICT,
        # Something in between cut or replaced the reply. A reply of the wrong shape is what the provider means to send: no second try.
        Reason.NOT_JSON,
    }
)

NOT_BILLED: Final = frozenset(
    {
        Reason.RATE_LIMITED,
        Reason.OVERLOADED,
        Reason.CONFLICT,
        Reason.UNTRUSTED,
        Reason.UNAUTHORISED,
        Reason.QUOTA_SPENT,
        Reason.NOT_FOUND,
        Reason.REJECTED,
        Reason.CONTEXT_TOO_LONG,
    }
)
"""Turned away before a model saw it. After any other failure the provider may have billed the call, whether it said how much or not."""

_BY_ERROR_CODE: Final[Mapping[str, Reason]] = MappingProxyType(
    {
        "insufficient_quota": Reason.QUOTA_SPENT,
        "credit_balance_exhausted": Reason.QUOTA_SPENT,
        "billing_hard_limit_reached": Reason.QUOTA_SPENT,
        "billing_not_active": Reason.QUOTA_SPENT,
        "rate_limit_exceeded": Reason.RATE_LIMITED,
        "slow_down": Reason.RATE_LIMITED,
        "server_is_overloaded": Reason.OVERLOADED,
        "content_filter": Reason.CONTENT_FILTERED,
        "content_policy_violation": Reason.CONTENT_FILTERED,
        "invalid_prompt": Reason.CONTENT_FILTERED,
        "context_length_exceeded": Reason.CONTEXT_TOO_LONG,
        "string_above_max_length": Reason.CONTEXT_TOO_LONG,
        "model_not_found": Reason.NOT_FOUND,
        "invalid_api_key": Reason.UNAUTHORISED,
    }
)

_BY_STATUS: Final[Mapping[int, Reason]] = MappingProxyType(
    {
        401: Reason.UNAUTHORISED,
        402: Reason.QUOTA_SPENT,
        403: Reason.UNAUTHORISED,
        404: Reason.NOT_FOUND,
        407: Reason.UNAUTHORISED,
        408: Reason.TIMEOUT,
        409: Reason.CONFLICT,
        413: Reason.CONTEXT_TOO_LONG,
        425: Reason.CONFLICT,
        429: Reason.RATE_LIMITED,
        503: Reason.OVERLOADED,
        504: Reason.TIMEOUT,
        529: Reason.OVERLOADED,
    }
)

_REDIRECTION: Final = range(300, 400)
_SERVER_ERRORS: Final = range(500, 600)
_CLIENT_ERRORS: Final = range(400, 500)


def failed(
    reason: Reason,
    *,
    again: bool = True,
    retry_after_seconds: float | None = None,
    limits: RateHeaders | None = None,
    usage: Usage | None = None,
) -> CallFailed:
    """The failure that a reason stands for; ``again=False`` where the provider says that another try is of no use."""
    retryable = again and reason in RETRYABLE
    return CallFailed(CODE_OF[reason], reason, retryable=retryable, retry_after_seconds=retry_after_seconds, limits=limits, usage=usage)


def classify(status: int, error_codes: tuple[str, ...]) -> Reason:
    """Why a reply with this status failed; ``error_codes`` are ``error.code`` and ``error.type`` of its body, where it has them."""
    if status in _CLIENT_ERRORS or status in _SERVER_ERRORS:
        for error_code in error_codes:
            known = _BY_ERROR_CODE.get(error_code)
            if known is not None:
                return known
    by_status = _BY_STATUS.get(status)
    if by_status is not None:
        return by_status
    if status in _REDIRECTION:
        return Reason.REDIRECTED
    if status in _SERVER_ERRORS:
        return Reason.SERVER_ERROR
    return Reason.REJECTED if status in _CLIENT_ERRORS else Reason.WRONG_SHAPE

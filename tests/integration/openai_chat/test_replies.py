"""The adapter against a real server: every status and every unusable reply has its code, and nothing said is repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.errors import Code
from streamgate.provider import Quota, RateHeaders, Reason
from streamgate.types import Usage
from tests.fakes.faulty_provider import REPLY_MARK, FaultyProvider, completion
from tests.fakes.openai_bench import CALL, failure

STATUSES: list[tuple[int, str | None, Code, Reason, bool]] = [
    (400, None, Code.PROVIDER_FAILED, Reason.REJECTED, False),
    (400, "content_filter", Code.PROVIDER_REFUSED, Reason.CONTENT_FILTERED, False),
    (400, "context_length_exceeded", Code.CONTEXT_TOO_LONG, Reason.CONTEXT_TOO_LONG, False),
    (401, "invalid_api_key", Code.PROVIDER_UNAUTHORISED, Reason.UNAUTHORISED, False),
    (402, None, Code.PROVIDER_QUOTA_SPENT, Reason.QUOTA_SPENT, False),
    (403, None, Code.PROVIDER_UNAUTHORISED, Reason.UNAUTHORISED, False),
    (404, "model_not_found", Code.PROVIDER_FAILED, Reason.NOT_FOUND, False),
    (408, None, Code.PROVIDER_FAILED, Reason.TIMEOUT, True),
    (409, None, Code.PROVIDER_FAILED, Reason.CONFLICT, True),
    (413, None, Code.CONTEXT_TOO_LONG, Reason.CONTEXT_TOO_LONG, False),
    (418, None, Code.PROVIDER_FAILED, Reason.REJECTED, False),
    (422, None, Code.PROVIDER_FAILED, Reason.REJECTED, False),
    (429, None, Code.PROVIDER_FAILED, Reason.RATE_LIMITED, True),
    (429, "rate_limit_exceeded", Code.PROVIDER_FAILED, Reason.RATE_LIMITED, True),
    (429, "slow_down", Code.PROVIDER_FAILED, Reason.RATE_LIMITED, True),
    (429, "insufficient_quota", Code.PROVIDER_QUOTA_SPENT, Reason.QUOTA_SPENT, False),
    (429, "credit_balance_exhausted", Code.PROVIDER_QUOTA_SPENT, Reason.QUOTA_SPENT, False),
    (500, None, Code.PROVIDER_FAILED, Reason.SERVER_ERROR, True),
    (502, None, Code.PROVIDER_FAILED, Reason.SERVER_ERROR, True),
    (503, "server_is_overloaded", Code.PROVIDER_FAILED, Reason.OVERLOADED, True),
    (504, None, Code.PROVIDER_FAILED, Reason.TIMEOUT, True),
    (529, None, Code.PROVIDER_FAILED, Reason.OVERLOADED, True),
]


@pytest.mark.parametrize("case", STATUSES, ids=[f"{case[0]}-{case[1]}" for case in STATUSES])
async def test_a_status_has_its_code_and_is_asked_once(
    provider: FaultyProvider, chat: OpenAIChat, case: tuple[int, str | None, Code, Reason, bool]
) -> None:
    """The SDK's own retries stay off, whatever the status."""
    status, error_code, code, reason, retryable = case
    provider.behaviour = provider.error(status, error_code)
    error = await failure(chat)
    assert (error.code, error.reason, error.retryable) == (code, reason, retryable)
    assert len(provider.requests) == 1


RETRY_AFTER: list[tuple[dict[str, str], float | None]] = [
    ({}, None),
    ({"retry-after": "7"}, 7.0),
    ({"retry-after": "300"}, 300.0),
    ({"retry-after": "0"}, 0.0),
    ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
    ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", "date": "Wed, 21 Oct 2015 07:28:00 GMT"}, 30.0),
    ({"retry-after": "soon"}, None),
    ({"retry-after": "-5"}, None),
    ({"retry-after": "nan"}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), RETRY_AFTER)
async def test_retry_after_is_read_in_all_its_forms(
    provider: FaultyProvider, chat: OpenAIChat, headers: dict[str, str], seconds: float | None
) -> None:
    """Seconds, milliseconds, a date; what cannot be read counts as absent."""
    provider.behaviour = provider.error(429, None, headers)
    assert (await failure(chat)).retry_after_seconds == seconds


async def test_an_error_says_what_is_left(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """The budget is corrected by failures too."""
    provider.behaviour = provider.error(429, None, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1.2s"})
    assert (await failure(chat)).limits == RateHeaders(requests=Quota(None, 0, 1.2))


async def test_an_error_that_is_no_json_is_still_classified(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """As a proxy in between sends it."""
    provider.behaviour = provider.raw(f"<html>{REPLY_MARK}</html>".encode(), 502, content_type="text/html")
    assert (await failure(chat)).reason is Reason.SERVER_ERROR


def _without(name: str) -> dict[str, Any]:
    document = completion()
    del document[name]
    return document


def _choice(**fields: Any) -> dict[str, Any]:
    document = completion()
    document["choices"][0].update(fields)
    return document


UNUSABLE: list[tuple[str, bytes, Reason]] = [
    ("truncated", json.dumps(completion()).encode()[:-20], Reason.NOT_JSON),
    ("html", f"<html>{REPLY_MARK}</html>".encode(), Reason.NOT_JSON),
    ("nothing", b"", Reason.NOT_JSON),
    ("not utf-8", b'{"choices": "\xff\xfe' + REPLY_MARK.encode() + b'"}', Reason.NOT_JSON),
    ("nested without end", b"[" * 90_000, Reason.NOT_JSON),
    ("a string", json.dumps(REPLY_MARK).encode(), Reason.WRONG_SHAPE),
    ("an empty object", b"{}", Reason.WRONG_SHAPE),
    ("null", b"null", Reason.WRONG_SHAPE),
    ("no choices", json.dumps(_without("choices")).encode(), Reason.WRONG_SHAPE),
    ("empty choices", json.dumps(completion() | {"choices": []}).encode(), Reason.WRONG_SHAPE),
    ("choices that are text", json.dumps(completion() | {"choices": REPLY_MARK}).encode(), Reason.WRONG_SHAPE),
    ("a choice that is null", json.dumps(completion() | {"choices": [None]}).encode(), Reason.WRONG_SHAPE),
    ("a message that is text", json.dumps(_choice(message=REPLY_MARK)).encode(), Reason.WRONG_SHAPE),
    ("no content", json.dumps(completion(None)).encode(), Reason.WRONG_SHAPE),
    ("content in parts", json.dumps(completion([{"type": "text", "text": REPLY_MARK}])).encode(), Reason.WRONG_SHAPE),
    ("a lone surrogate", json.dumps(completion("\ud800" + REPLY_MARK)).encode(), Reason.WRONG_SHAPE),
    ("a finish reason that is prose", json.dumps(_choice(finish_reason=f"because {REPLY_MARK}")).encode(), Reason.WRONG_SHAPE),
    ("an error with 200", json.dumps({"error": {"message": REPLY_MARK}}).encode(), Reason.WRONG_SHAPE),
]


@pytest.mark.parametrize(("body", "reason"), [case[1:] for case in UNUSABLE], ids=[case[0] for case in UNUSABLE])
async def test_a_reply_that_cannot_be_used_is_an_invalid_reply(
    provider: FaultyProvider, chat: OpenAIChat, body: bytes, reason: Reason
) -> None:
    """With status 200, whatever the content type says; only a garbled one is asked for again."""
    for content_type in ("application/json", "text/html"):
        provider.behaviour = provider.raw(body, content_type=content_type)
        error = await failure(chat)
        assert (error.code, error.reason) == (Code.PROVIDER_INVALID_REPLY, reason)
        assert error.retryable == (reason is Reason.NOT_JSON)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (_choice(finish_reason="content_filter"), Reason.CONTENT_FILTERED),
        (completion(None, refusal=f"I will not: {REPLY_MARK}"), Reason.REFUSED),
    ],
)
async def test_what_the_provider_declines_is_refused(
    provider: FaultyProvider, chat: OpenAIChat, document: dict[str, Any], reason: Reason
) -> None:
    """By its filter or by the model, and without its words; what it says was used is billed all the same."""
    provider.behaviour = provider.document(document)
    error = await failure(chat)
    assert error.usage == Usage(11, 7)
    assert (error.code, error.reason, error.retryable) == (Code.PROVIDER_REFUSED, reason, False)


async def test_an_answer_that_was_cut_says_so(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """It is an answer; the consumer sees the finish reason."""
    provider.behaviour = provider.document(_choice(finish_reason="length"))
    assert (await chat.complete(CALL, 10.0)).finish_reason == "length"

"""The adapter alone against a real server: what of a reply's headers it passes on, and an answer that was cut."""

from __future__ import annotations

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.provider import Quota, RateHeaders, Reason
from streamgate.types import Usage
from tests.fakes.faulty_provider import FaultyProvider, completion
from tests.fakes.openai_bench import CALL, failure

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


async def test_an_answer_that_was_cut_says_so(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """It is an answer; the consumer sees the finish reason."""
    document = completion()
    document["choices"][0]["finish_reason"] = "length"
    provider.behaviour = provider.document(document)
    assert (await chat.complete(CALL, 10.0)).finish_reason == "length"


async def test_what_was_declined_is_billed_all_the_same(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """By the provider's filter or by the model: what it says was used."""
    filtered = completion()
    filtered["choices"][0]["finish_reason"] = "content_filter"
    for document, reason in ((filtered, Reason.CONTENT_FILTERED), (completion(None, refusal="no"), Reason.REFUSED)):
        provider.behaviour = provider.document(document)
        error = await failure(chat)
        assert (error.reason, error.usage) == (reason, Usage(11, 7))

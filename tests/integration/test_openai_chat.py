"""The adapter against a real server, through the real SDK: every way to fail has its code, and nothing said is repeated."""

from __future__ import annotations

import json
import logging
import socket
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.errors import Code, ConfigError
from streamgate.provider import CallFailed, ChatCall, ChatReply, Quota, RateHeaders, Reason
from streamgate.types import MaskedMessage, MaskedText, Parameters, Usage
from tests.fakes.faulty_provider import REPLY_MARK, Behaviour, FaultyProvider, completion, self_signed

PROMPT_MARK = "PROMPTMARK-9z3k"
KEY = "KEYMARK-77qp"
NOW = 1_750_000_000.0
CALL = ChatCall(
    request_id=b"r" * 16,
    model="gpt-4o-mini",
    messages=(MaskedMessage("system", MaskedText("be brief")), MaskedMessage("user", MaskedText(PROMPT_MARK))),
    parameters=Parameters(temperature=0.5, top_p=0.9, max_output_tokens=77, seed=3, stop=("END",)),
    safety_identifier="sg-digest",
)

MakeBehaviour = Callable[[FaultyProvider], Behaviour]


@pytest.fixture
async def provider() -> AsyncIterator[FaultyProvider]:
    """A server that can fail."""
    async with FaultyProvider() as server:
        yield server


@pytest.fixture
async def chat(provider: FaultyProvider) -> AsyncIterator[OpenAIChat]:
    """The adapter, pointed at it."""
    model = OpenAIChat(KEY, provider.base_url, max_reply_bytes=100_000, wall_seconds=lambda: NOW)
    yield model
    await model.close()


@pytest.fixture(autouse=True)
def loud(caplog: pytest.LogCaptureFixture, chat: OpenAIChat) -> Iterator[None]:
    """Everything logs at DEBUG, also what was turned down when the adapter was built; no test may find a body or key in it."""
    names = [
        "openai",
        "httpx2",
        "httpcore2",
        *(name for name in logging.root.manager.loggerDict if name.startswith(("openai.", "httpcore2."))),
    ]
    with caplog.at_level(logging.DEBUG):
        for name in names:
            logging.getLogger(name).setLevel(logging.DEBUG)
        yield
    logged = "".join(f"{record.name} {record.getMessage()} {record.args}" for record in caplog.records)
    for mark in (PROMPT_MARK, REPLY_MARK, KEY):
        assert mark not in logged


async def failure(chat: OpenAIChat, timeout_seconds: float = 10.0) -> CallFailed:
    """What the call ends with, after checking that it says nothing."""
    with pytest.raises(CallFailed) as caught:
        await chat.complete(CALL, timeout_seconds)
    error = caught.value
    said = str(error) + repr(error) + repr(error.args) + "".join(traceback.format_exception(error))
    for mark in (PROMPT_MARK, REPLY_MARK, KEY):
        assert mark not in said
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


async def test_what_goes_out(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """Not stored, one choice, a digest for the subject, and the parameters that were given."""
    await chat.complete(CALL, 10.0)
    assert provider.requests == [
        {
            "model": "gpt-4o-mini",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": PROMPT_MARK}],
            "n": 1,
            "store": False,
            "safety_identifier": "sg-digest",
            "temperature": 0.5,
            "top_p": 0.9,
            "seed": 3,
            "stop": ["END"],
            "max_tokens": 77,
        }
    ]
    assert provider.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert provider.headers[0]["Accept-Encoding"] == "identity"


async def test_parameters_that_were_not_given_are_left_out(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """The provider's defaults hold."""
    message = MaskedMessage("tool", MaskedText("42"), "call_1")
    await chat.complete(ChatCall(b"", "m", (message,), Parameters(), "sg"), 10.0)
    assert set(provider.requests[0]) == {"model", "messages", "n", "store", "safety_identifier"}
    assert provider.requests[0]["messages"] == [{"role": "tool", "content": "42", "tool_call_id": "call_1"}]


async def test_the_newer_name_of_the_output_limit_is_a_setting(provider: FaultyProvider) -> None:
    """OpenAI's reasoning models refuse ``max_tokens``; other servers know nothing else."""
    model = OpenAIChat(KEY, provider.base_url, output_limit="max_completion_tokens")
    await model.complete(CALL, 10.0)
    await model.close()
    assert provider.requests[0]["max_completion_tokens"] == 77
    assert "max_tokens" not in provider.requests[0]


async def test_what_comes_back(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """Text, counts, the request id and what the headers say is left."""
    provider.behaviour = provider.document(
        completion(),
        headers={
            "x-request-id": "req_123",
            "x-ratelimit-limit-requests": "500",
            "x-ratelimit-remaining-requests": "499",
            "x-ratelimit-reset-requests": "120ms",
            "x-ratelimit-remaining-tokens": "1000",
            "x-ratelimit-reset-tokens": "6m0s",
        },
    )
    assert await chat.complete(CALL, 10.0) == ChatReply(
        text=REPLY_MARK,
        finish_reason="stop",
        model="gpt-4o-mini-2024-07-18",
        usage=Usage(11, 7),
        provider_request_id="req_123",
        limits=RateHeaders(Quota(500, 499, 0.12), Quota(None, 1000, 360.0)),
    )


async def test_missing_counts_and_odd_names_do_no_harm(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """No usage, a model and a request id that are not names: left out, and the answer stands."""
    document = completion()
    del document["usage"]
    provider.behaviour = provider.document(document | {"model": f"<b>{REPLY_MARK}</b>"}, headers={"x-request-id": "a b"})
    reply = await chat.complete(CALL, 10.0)
    assert (reply.model, reply.usage, reply.provider_request_id, reply.limits) == ("gpt-4o-mini", None, None, None)


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
    """By its filter or by the model, and without its words."""
    provider.behaviour = provider.document(document)
    error = await failure(chat)
    assert (error.code, error.reason, error.retryable) == (Code.PROVIDER_REFUSED, reason, False)


async def test_an_answer_that_was_cut_says_so(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """It is an answer; the consumer sees the finish reason."""
    provider.behaviour = provider.document(_choice(finish_reason="length"))
    assert (await chat.complete(CALL, 10.0)).finish_reason == "length"


@pytest.mark.parametrize(
    "make",
    [lambda server: server.say_nothing, lambda server: server.headers_only, lambda server: server.half_a_body, lambda server: server.drip],
    ids=["no headers", "no first byte", "half a body", "one byte at a time"],
)
async def test_a_call_ends_at_its_deadline(provider: FaultyProvider, chat: OpenAIChat, make: MakeBehaviour) -> None:
    """Total wall-clock time: a server that keeps sending does not keep it open."""
    provider.behaviour = make(provider)
    error = await failure(chat, 0.3)
    assert (error.code, error.reason, error.retryable) == (Code.PROVIDER_FAILED, Reason.TIMEOUT, True)


async def test_a_connection_that_is_not_taken_times_out() -> None:
    """A listener with a full queue: the handshake is never answered."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        queued = [socket.socket() for _ in range(4)]
        for each in queued:
            each.setblocking(False)
            each.connect_ex(address)
        chat = OpenAIChat(KEY, f"http://127.0.0.1:{address[1]}/v1", connect_timeout_seconds=0.2)
        error = await failure(chat, 30.0)
        await chat.close()
        for each in queued:
            each.close()
    assert (error.reason, error.retryable) == (Reason.TIMEOUT, True)


async def test_nobody_listening_is_a_failed_connection() -> None:
    """Refused at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chat = OpenAIChat(KEY, f"http://127.0.0.1:{port}/v1")
    error = await failure(chat)
    await chat.close()
    assert (error.code, error.reason, error.retryable) == (Code.PROVIDER_FAILED, Reason.CONNECTION, True)


@pytest.mark.parametrize(
    "make", [lambda server: server.reset, lambda server: server.reset_in_body], ids=["before the headers", "in the body"]
)
async def test_a_reset_is_retryable(provider: FaultyProvider, chat: OpenAIChat, make: MakeBehaviour) -> None:
    """At either moment."""
    provider.behaviour = make(provider)
    error = await failure(chat)
    assert (error.code, error.reason, error.retryable) == (Code.PROVIDER_FAILED, Reason.CONNECTION, True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(provider: FaultyProvider, chat: OpenAIChat, status: int) -> None:
    """It would carry the prompt and the key to another host."""
    provider.behaviour = provider.raw(REPLY_MARK.encode(), status, {"location": f"{provider.base_url}/elsewhere"})
    error = await failure(chat)
    assert (error.code, error.reason, error.retryable) == (Code.PROVIDER_INVALID_REPLY, Reason.REDIRECTED, False)
    assert provider.paths == ["/v1/chat/completions"]


@pytest.mark.parametrize("status", [200, 500])
async def test_a_reply_over_the_limit_is_not_read_to_its_end(provider: FaultyProvider, chat: OpenAIChat, status: int) -> None:
    """Errors included."""
    provider.behaviour = provider.oversize(2_000_000, status)
    error = await failure(chat)
    assert (error.code, error.reason, error.retryable) == (Code.PROVIDER_INVALID_REPLY, Reason.OVERSIZE, False)


async def test_a_compressed_reply_is_not_unpacked(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """It was declined, and could unfold to any size."""
    provider.behaviour = provider.raw(b"\x1f\x8b" + bytes(50), headers={"content-encoding": "gzip"})
    assert (await failure(chat)).reason is Reason.WRONG_SHAPE


async def test_the_connection_is_of_use_after_every_failure(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """One bad call does not spoil the next."""
    for behaviour in (provider.error(500), provider.oversize(2_000_000), provider.reset_in_body, provider.document({})):
        provider.behaviour = behaviour
        await failure(chat)
        provider.behaviour = provider.document(completion())
        assert (await chat.complete(CALL, 10.0)).text == REPLY_MARK


async def test_the_environment_decides_nothing(provider: FaultyProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a proxy nor another endpoint, organisation or project."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-env")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-env")
    chat = OpenAIChat(KEY, provider.base_url)
    assert (await chat.complete(CALL, 10.0)).text == REPLY_MARK
    await chat.close()
    assert not {"openai-organization", "openai-project"} & {name.lower() for name in provider.headers[0]}
    assert repr(OpenAIChat(KEY)) == "OpenAIChat(api.openai.com)"


async def test_a_proxy_of_the_environment_is_heeded_when_asked_for(provider: FaultyProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """``trust_env`` sends the call to the proxy, which sees an absolute URL."""
    proxy = provider.base_url.removesuffix("/v1")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    chat = OpenAIChat(KEY, "http://provider.example/v1", trust_env=True)
    assert (await chat.complete(CALL, 10.0)).text == REPLY_MARK
    await chat.close()
    assert provider.headers[0]["Host"] == "provider.example"


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    """TLS is verified, and there is no setting for not doing it: the prompt is not sent."""
    async with FaultyProvider(self_signed(tmp_path)) as server:
        chat = OpenAIChat(KEY, server.base_url)
        error = await failure(chat)
        await chat.close()
    assert (error.code, error.reason) == (Code.PROVIDER_FAILED, Reason.CONNECTION)
    assert server.requests == []


def test_no_key_at_all_is_a_mistake_in_the_settings() -> None:
    """Found when built; the message holds neither key nor URL."""
    with pytest.raises(ConfigError, match="api_key_file") as caught:
        OpenAIChat("", "https://models.example/v1")
    assert "models.example" not in str(caught.value)


def test_repr_shows_no_key() -> None:
    """The host only."""
    assert repr(OpenAIChat(KEY, "https://models.example/v1")) == "OpenAIChat(models.example)"

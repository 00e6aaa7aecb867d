"""The adapter against a real server, through the real SDK: what goes out, what comes back, and what the environment may decide."""

from __future__ import annotations

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.errors import ConfigError
from streamgate.provider import ChatCall, ChatReply, Quota, RateHeaders
from streamgate.types import MaskedMessage, MaskedText, Parameters, Usage
from tests.fakes.faulty_provider import REPLY_MARK, FaultyProvider, completion
from tests.fakes.openai_bench import CALL, KEY, PROMPT_MARK


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


async def test_an_address_is_no_name(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """A server that puts an e-mail address where a name belongs has it in no response; a path or a version is one."""
    address = "maria.schmidt@example.com"
    provider.behaviour = provider.document(completion() | {"model": address}, headers={"x-request-id": address})
    reply = await chat.complete(CALL, 10.0)
    assert (reply.model, reply.provider_request_id) == ("gpt-4o-mini", None)
    provider.behaviour = provider.document(completion() | {"model": "org/model-1:v2"}, headers={"x-request-id": "req_1"})
    reply = await chat.complete(CALL, 10.0)
    assert (reply.model, reply.provider_request_id) == ("org/model-1:v2", "req_1")


async def test_the_environment_decides_nothing(provider: FaultyProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a proxy nor another endpoint, organisation or project."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-env")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-env")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "admin-env")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer key-env\nx-env: 1")
    chat = OpenAIChat(KEY, provider.base_url)
    assert (await chat.complete(CALL, 10.0)).text == REPLY_MARK
    await chat.close()
    assert provider.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert not {"openai-organization", "openai-project", "x-env"} & {name.lower() for name in provider.headers[0]}
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


def test_no_key_at_all_is_a_mistake_in_the_settings() -> None:
    """Found when built; the message holds neither key nor URL."""
    with pytest.raises(ConfigError, match="api_key_file") as caught:
        OpenAIChat("", "https://models.example/v1")
    assert "models.example" not in str(caught.value)


def test_repr_shows_no_key() -> None:
    """The host only."""
    assert repr(OpenAIChat(KEY, "https://models.example/v1")) == "OpenAIChat(models.example)"

"""Two real servers: where the first one fails the second one answers, each with its own key, model and limits."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.errors import Code
from streamgate.provider import Providers
from streamgate.telemetry import CallFinished, FellBack
from streamgate.types import ModelRef
from tests.fakes.faulty_provider import REPLY_MARK, Behaviour, FaultyProvider
from tests.fakes.openai_bench import KEY, MODEL, Line, nothing_said

OTHER_KEY = f"{KEY}-eu"
OTHER = ModelRef("azure-eu", "gpt-eu")
BOTH = ("default", "azure-eu")

FALLS_BACK: dict[str, tuple[Callable[[FaultyProvider], Behaviour], str]] = {
    "out of quota": (lambda server: server.error(429, "insufficient_quota"), "quota_spent"),
    "down": (lambda server: server.error(500), "server_error"),
    "overloaded": (lambda server: server.error(503, "server_is_overloaded"), "overloaded"),
    "limited": (lambda server: server.error(429, "rate_limit_exceeded", {"retry-after": "20"}), "rate_limited"),
    "hanging": (lambda server: server.say_nothing, "timeout"),
    "resetting": (lambda server: server.reset_in_body, "connection"),
    "unauthorised": (lambda server: server.error(401, "invalid_api_key"), "unauthorised"),
    "without the model": (lambda server: server.error(404, "model_not_found"), "not_found"),
    "behind a broken proxy": (lambda server: server.raw(b"<html>", content_type="text/html"), "not_json"),
}
STAYS: dict[str, tuple[Callable[[FaultyProvider], Behaviour], Code]] = {
    "content filter": (lambda server: server.error(400, "content_filter"), Code.PROVIDER_REFUSED),
    "invalid prompt": (lambda server: server.error(400, "invalid_prompt"), Code.PROVIDER_REFUSED),
    "context too long": (lambda server: server.error(400, "context_length_exceeded"), Code.CONTEXT_TOO_LONG),
    "malformed": (lambda server: server.error(400), Code.PROVIDER_FAILED),
    "redirect": (lambda server: server.raw(b"", 307, {"location": "http://127.0.0.1:9/v1"}), Code.PROVIDER_INVALID_REPLY),
}


@pytest.fixture
async def second() -> AsyncIterator[FaultyProvider]:
    """The server of the other provider."""
    async with FaultyProvider() as server:
        yield server


@pytest.fixture
async def line(chat: OpenAIChat, second: FaultyProvider) -> AsyncIterator[Line]:
    """Both, behind one caller."""
    other = OpenAIChat(OTHER_KEY, second.base_url)
    yield Line(Providers({"default": chat, "azure-eu": other}), max_attempts=2, call_timeout_seconds=3.0)
    await other.close()


@pytest.mark.parametrize("how", FALLS_BACK)
async def test_the_second_answers_where_the_first_fails(provider: FaultyProvider, second: FaultyProvider, line: Line, how: str) -> None:
    """With its own key and model name; nothing of the first one's reply or key goes there."""
    make, reason = FALLS_BACK[how]
    provider.behaviour = make(provider)
    called = await line.ask(OTHER, providers=BOTH)
    assert called.reply is not None
    assert (called.code, called.reply.text, called.at, called.left) == (Code.OK, REPLY_MARK, OTHER, 1)
    assert called.calls == len(provider.requests) + len(second.requests)
    assert [body["model"] for body in second.requests] == ["gpt-eu"]
    assert second.requests[0] | {"model": MODEL} == provider.requests[0]
    assert second.headers[0]["Authorization"] == f"Bearer {OTHER_KEY}"
    assert {each["Authorization"] for each in provider.headers} == {f"Bearer {KEY}"}
    assert [(fact.model, fact.reason) for fact in line.telemetry.of(FellBack)] == [(MODEL, reason)]
    assert line.telemetry.of(CallFinished)[-1].model == OTHER.name
    assert line.budgets.left(OTHER.name, line.clock.monotonic()).requests == 999


@pytest.mark.parametrize("how", STAYS)
async def test_what_is_the_prompts_own_goes_to_nobody_else(provider: FaultyProvider, second: FaultyProvider, line: Line, how: str) -> None:
    """The second one gets no byte of it."""
    make, code = STAYS[how]
    provider.behaviour = make(provider)
    called = await line.ask(OTHER, providers=BOTH)
    assert (called.code, called.calls, second.paths) == (code, 1, [])


async def test_a_provider_that_is_down_is_called_less_and_comes_back(provider: FaultyProvider, second: FaultyProvider, line: Line) -> None:
    """After five failures the breaker sends everybody on at once; after the pause one call looks, and the next ones stay."""
    provider.behaviour = provider.error(500)
    for _ in range(10):
        assert (await line.ask(OTHER, providers=BOTH)).at == OTHER
    assert len(provider.requests) < 10
    before = len(provider.requests)
    provider.behaviour = second.behaviour
    line.clock.advance(31.0)
    called = await line.ask(OTHER, providers=BOTH)
    assert (called.at, called.left) == (ModelRef("default", MODEL), 0)
    assert len(provider.requests) == before + 1


async def test_both_down_ends_in_the_last_ones_code(provider: FaultyProvider, second: FaultyProvider, line: Line) -> None:
    """And says how many were called."""
    provider.behaviour, second.behaviour = provider.error(429, "insufficient_quota"), second.error(401, "invalid_api_key")
    called = await line.ask(OTHER, providers=BOTH)
    assert (called.code, called.calls, called.at) == (Code.PROVIDER_UNAUTHORISED, 2, OTHER)


async def test_a_first_provider_that_is_gone_is_fallen_back_from(second: FaultyProvider, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody listens at its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    chats = {"default": OpenAIChat(KEY, gone), "azure-eu": OpenAIChat(OTHER_KEY, second.base_url)}
    with nothing_said(caplog):
        called = await Line(Providers(chats)).ask(OTHER, providers=chats)
        for chat in chats.values():
            await chat.close()
    assert (called.code, called.at) == (Code.OK, OTHER)

"""The simulated provider: a real server that keeps what it is sent and never passes for a model."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.demo._answers import answer, language
from streamgate.demo._provider import SimulatedProvider
from streamgate.errors import Code
from streamgate.provider import CallFailed, ChatCall
from streamgate.types import MaskedMessage, MaskedText, Parameters, Usage

TOKENS = ("[PERSON_k7q2fa3c]", "[EMAIL_aaaabbbb_c2d3]")


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  a simulated reply is no secret


def a_call(text: str) -> ChatCall:
    return ChatCall(b"", "gpt-4o-mini", (MaskedMessage("user", MaskedText(text)),), Parameters(), "sg-1")


@pytest.fixture
async def provider() -> AsyncIterator[SimulatedProvider]:
    """One that answers at once."""
    async with SimulatedProvider(latency_seconds=0.0) as server:
        yield server


@pytest.fixture
async def chat(provider: SimulatedProvider) -> AsyncIterator[OpenAIChat]:
    """The real adapter."""
    model = OpenAIChat("secret-key", provider.base_url)
    yield model
    await model.close()


async def test_it_answers_like_the_real_one(chat: OpenAIChat) -> None:
    """Tokens of the prompt, usage, a request id and what is left."""
    reply = await chat.complete(a_call(f"Please write to {TOKENS[0]}."), 10.0)
    assert TOKENS[0] in reply.text
    assert reply.finish_reason == "stop"
    assert isinstance(reply.usage, Usage)
    assert reply.provider_request_id == "req_simulated_1"
    assert reply.limits is not None


async def test_it_keeps_every_byte_but_the_credential(provider: SimulatedProvider, chat: OpenAIChat) -> None:
    """So that the demo can search what a provider would have seen."""
    await chat.complete(a_call("hello there"), 10.0)
    head, _, body = provider.received[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert b"secret-key" not in provider.received[0]
    assert json.loads(body)["messages"] == [{"role": "user", "content": "hello there"}]


async def test_it_fails_when_told_to(provider: SimulatedProvider, chat: OpenAIChat) -> None:
    """Then it answers again."""
    provider.fail_next(429, code="insufficient_quota")
    provider.fail_next(503, retry_after="2", times=2)
    codes = []
    for _ in range(3):
        with pytest.raises(CallFailed) as caught:
            await chat.complete(a_call("hello"), 10.0)
        codes.append((caught.value.code, caught.value.retry_after_seconds))
    assert codes == [(Code.PROVIDER_QUOTA_SPENT, None), (Code.PROVIDER_FAILED, 2.0), (Code.PROVIDER_FAILED, 2.0)]
    assert "simulated" in (await chat.complete(a_call("hello"), 10.0)).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please tell me where my parcel is", "en"),
        ("Bitte sagen Sie mir, wo das Paket ist und ob ich warten soll", "de"),
        ("Por favor, mi paquete no llega y es para el lunes", "es"),
        ("Je voudrais savoir où est mon colis, et pour quand", "fr"),
        ("zzz", "en"),
    ],
)
def test_it_answers_in_the_language_of_the_user(text: str, expected: str) -> None:
    """Of the last user message; English where it cannot tell."""
    assert language(text) == expected


@pytest.mark.parametrize("text", ["Please help", "Bitte helfen Sie mir mit der Rechnung", "Por favor no", "Je ne sais pas", *TOKENS])
def test_it_always_says_that_it_is_simulated(text: str) -> None:
    """Nobody may take it for a model's answer."""
    said = answer([("user", text)], chance(1))
    assert any(word in said for word in ("simulated", "simulierte", "simulada", "simulée"))


def test_tokens_are_used_and_sometimes_bent() -> None:
    """As models do; the one it thanks stays exact."""
    messages = [("system", TOKENS[1]), ("user", f"I am {TOKENS[0]}")]
    said = [answer(messages, chance(seed)) for seed in range(50)]
    assert all(TOKENS[0] in each for each in said)
    assert all("aaaabbbb" in each for each in said)
    assert {TOKENS[1] in each for each in said} == {True, False}
    assert said[7] == answer(messages, chance(7))

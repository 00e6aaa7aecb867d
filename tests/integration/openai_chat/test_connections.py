"""The adapter against a real server: every end of a connection has its code, and a call ends at its deadline."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.errors import Code
from streamgate.provider import Reason
from tests.fakes.faulty_provider import REPLY_MARK, Behaviour, FaultyProvider, completion, self_signed
from tests.fakes.openai_bench import CALL, KEY, failure

MakeBehaviour = Callable[[FaultyProvider], Behaviour]


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


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    """TLS is verified, and there is no setting for not doing it: the prompt is not sent."""
    async with FaultyProvider(self_signed(tmp_path)) as server:
        chat = OpenAIChat(KEY, server.base_url)
        error = await failure(chat)
        await chat.close()
    assert (error.code, error.reason) == (Code.PROVIDER_FAILED, Reason.CONNECTION)
    assert server.requests == []

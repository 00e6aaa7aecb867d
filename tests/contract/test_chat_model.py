"""What every chat model keeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.errors import Code
from streamgate.provider import CallFailed, ChatCall, ChatModel, Reason, failed
from streamgate.types import MaskedMessage, MaskedText, Parameters, Usage
from tests.fakes.chat_model import FakeChatModel
from tests.fakes.faulty_provider import FaultyProvider, completion


class Subject:
    """A model under test and how to make it fail."""

    def __init__(self, model: ChatModel, provider: FaultyProvider | None) -> None:
        self.model = model
        self._provider = provider

    def limit_rate(self) -> None:
        if self._provider is not None:
            self._provider.behaviour = self._provider.error(429, "rate_limit_exceeded", {"retry-after": "2"})
        elif isinstance(self.model, FakeChatModel):
            self.model.script.append(failed(Reason.RATE_LIMITED, retry_after_seconds=2.0))

    def hang(self) -> None:
        if self._provider is not None:
            self._provider.behaviour = self._provider.say_nothing
        elif isinstance(self.model, FakeChatModel):
            self.model.gate = asyncio.Event()


@pytest.fixture(params=["fake", "openai"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """Both implementations; each repeats the last message."""
    if request.param == "fake":
        yield Subject(FakeChatModel(), None)
        return
    async with FaultyProvider() as provider:
        provider.behaviour = provider.document(completion("hello [PERSON_k7q2fa3c]") | {"model": "gpt-4o-mini"})
        model = OpenAIChat("key", provider.base_url)
        yield Subject(model, provider)
        await model.close()


CALL = ChatCall(b"r" * 16, "gpt-4o-mini", (MaskedMessage("user", MaskedText("hello [PERSON_k7q2fa3c]")),), Parameters(), "sg-1")


async def test_it_answers_with_checked_text_and_counts(subject: Subject) -> None:
    """Text, finish reason, model and usage."""
    reply = await subject.model.complete(CALL, 5.0)
    assert (reply.text, reply.finish_reason, reply.model) == ("hello [PERSON_k7q2fa3c]", "stop", "gpt-4o-mini")
    assert isinstance(reply.usage, Usage)


async def test_no_repr_shows_text(subject: Subject) -> None:
    """Neither of the call nor of the reply."""
    reply = await subject.model.complete(CALL, 5.0)
    assert "hello" not in repr(reply) + repr(CALL)
    assert "sg-1" not in repr(CALL)


async def test_a_failure_is_a_coded_one(subject: Subject) -> None:
    """With a reason, whether it may be tried again, and what the provider asked for."""
    subject.limit_rate()
    with pytest.raises(CallFailed) as caught:
        await subject.model.complete(CALL, 5.0)
    assert (caught.value.code, caught.value.reason) == (Code.PROVIDER_FAILED, Reason.RATE_LIMITED)
    assert caught.value.retryable
    assert caught.value.retry_after_seconds == 2.0
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_it_ends_after_the_timeout(subject: Subject) -> None:
    """Whatever the provider does not do."""
    subject.hang()
    with pytest.raises(CallFailed) as caught:
        await subject.model.complete(CALL, 0.05)
    assert caught.value.reason is Reason.TIMEOUT
    assert caught.value.retryable


async def test_cancellation_is_passed_on(subject: Subject) -> None:
    """A drained worker must not wait for the provider."""
    subject.hang()
    task = asyncio.ensure_future(subject.model.complete(CALL, 60.0))
    await asyncio.wait({task}, timeout=0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_only_masked_messages_are_taken(subject: Subject) -> None:
    """Raw text in place of a message is a mistake of ours, and is not sent."""
    raw: tuple[MaskedMessage, ...] = ({"role": "user", "content": "raw"},)  # type: ignore[assignment]  # the mistake under test
    with pytest.raises(TypeError, match="only masked"):
        await subject.model.complete(ChatCall(b"r" * 16, "gpt-4o-mini", raw, Parameters(), "sg-1"), 5.0)

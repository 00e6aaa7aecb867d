"""The adapter under test between a server that can fail and a log at DEBUG, for the integration tests of the provider."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.provider import CallFailed, ChatCall
from streamgate.types import MaskedMessage, MaskedText, Parameters
from tests.fakes.faulty_provider import REPLY_MARK, FaultyProvider

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


@dataclass(frozen=True)
class Bench:
    """What a test works with."""

    provider: FaultyProvider
    chat: OpenAIChat


@asynccontextmanager
async def watched(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Bench]:
    """Everything logs at DEBUG, also what was turned down when the adapter was built; afterwards no body and no key stands in it."""
    async with FaultyProvider() as provider:
        chat = OpenAIChat(KEY, provider.base_url, max_reply_bytes=100_000, wall_seconds=lambda: NOW)
        with caplog.at_level(logging.DEBUG):
            for name in ("openai", "httpx2", "httpcore2", *logging.root.manager.loggerDict):
                if name.split(".", 1)[0] in {"openai", "httpx2", "httpcore2"}:
                    logging.getLogger(name).setLevel(logging.DEBUG)
            yield Bench(provider, chat)
        await chat.close()
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

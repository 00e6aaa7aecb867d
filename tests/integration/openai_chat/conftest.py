"""What the tests of the adapter share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from tests.fakes.faulty_provider import FaultyProvider
from tests.fakes.openai_bench import Bench, watched


@pytest.fixture(autouse=True)
async def bench(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Bench]:
    """The adapter, a server that can fail, and a log in which nothing said may stand."""
    async with watched(caplog) as made:
        yield made


@pytest.fixture
def provider(bench: Bench) -> FaultyProvider:
    """The server."""
    return bench.provider


@pytest.fixture
def chat(bench: Bench) -> OpenAIChat:
    """The adapter, pointed at it."""
    return bench.chat

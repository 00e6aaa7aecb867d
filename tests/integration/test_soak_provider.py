"""The soak's provider: its limits, its moods, and its record of what it was paid for."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from streamgate.demo.soak._evidence import Limit
from streamgate.demo.soak._fault import Kind
from streamgate.demo.soak._provider import UnreliableProvider, content_of

MESSAGES = [{"role": "user", "content": "My name is [PERSON_abcdefgh]."}]


async def _ask(provider: UnreliableProvider, seconds: float = 10.0) -> tuple[int, dict[str, str], dict[str, Any]]:
    timeout = aiohttp.ClientTimeout(total=seconds)
    body = {"model": "gpt-4o-mini", "messages": MESSAGES}
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(f"{provider.base_url}/chat/completions", json=body) as response,
    ):
        return response.status, {name.lower(): value for name, value in response.headers.items()}, await response.json()


async def test_it_answers_within_its_limit_and_refuses_above() -> None:
    """The call over the limit gets 429 with the headers that say when to come back, and is not paid for."""
    async with UnreliableProvider(Limit(2, 10_000), latency_seconds=0) as provider:
        statuses = [await _ask(provider) for _ in range(3)]
    assert [status for status, _, _ in statuses] == [200, 200, 429]
    assert statuses[0][1]["x-ratelimit-remaining-requests"] == "1"
    assert 20_000 < int(statuses[2][1]["retry-after-ms"]) <= 30_000
    assert [(call.paid, call.injected) for call in provider.calls] == [(True, False), (True, False), (False, False)]
    assert {call.content for call in provider.calls} == {content_of([("user", MESSAGES[0]["content"])])}


@pytest.mark.parametrize(("mood", "status"), [(Kind.LIMITED, 429), (Kind.ERROR, 500)])
async def test_a_mood_that_refuses_is_not_paid_for(mood: Kind, status: int) -> None:
    """It is marked as no fault of the caller's; afterwards all is well again."""
    async with UnreliableProvider(Limit(60, 10_000), latency_seconds=0) as provider:
        provider.misbehave(mood)
        assert (await _ask(provider))[0] == status
        provider.misbehave(None)
        assert (await _ask(provider))[0] == 200
    assert [(call.status, call.paid, call.injected) for call in provider.calls] == [(status, False, True), (200, True, False)]


@pytest.mark.parametrize(("mood", "error"), [(Kind.RESET, aiohttp.ClientError), (Kind.SILENT, TimeoutError)])
async def test_an_answer_that_does_not_arrive_is_paid_for(mood: Kind, error: type[BaseException]) -> None:
    """The work was done: a second call for the same request is paid twice."""
    async with UnreliableProvider(Limit(60, 10_000), latency_seconds=0) as provider:
        provider.misbehave(mood)
        with pytest.raises(error):
            await _ask(provider, 0.3)
    assert [call.paid for call in provider.calls] == [True]

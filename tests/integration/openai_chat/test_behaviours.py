"""Every behaviour of a provider ends in the right retry or the right code, through the real SDK, caller and budgets; nothing said is repeated."""

from __future__ import annotations

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.errors import Code
from streamgate.provider import CODE_OF, CallFailed, Reason
from streamgate.telemetry import CallFinished, CallRetried, TokensUsed
from tests.fakes.faulty_provider import REPLY_MARK, FaultyProvider, completion
from tests.fakes.openai_bench import MODEL, Line
from tests.integration.openai_chat.behaviours import ROWS, Row

TOLERATED = 5

each = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@each
async def test_it_ends_in_its_code(provider: FaultyProvider, chat: OpenAIChat, row: Row) -> None:
    """Called again where that may help, once where it cannot; the SDK adds no call of its own."""
    provider.behaviour = row.make(provider)
    line = Line(chat, max_attempts=2, call_timeout_seconds=row.timeout_seconds)
    called = await line.ask()
    calls = 2 if row.again else 1
    assert (called.code, called.reply, called.calls) == (row.code, None, calls)
    assert len(provider.requests) == calls or (row.hangs and len(provider.requests) <= calls)
    assert set(provider.paths) <= {"/v1/chat/completions"}
    assert [error.reason for error in line.heard.errors if isinstance(error, CallFailed)] == [row.reason] * calls
    assert [fact.reason for fact in line.telemetry.of(CallRetried)] == [row.reason.value] * (calls - 1)
    assert [fact.code for fact in line.telemetry.of(CallFinished)] == [row.code] * calls
    assert sum(line.sleeper.slept) >= (row.pause if row.again else 0.0)


@each
async def test_what_the_budget_and_the_breaker_do(provider: FaultyProvider, chat: OpenAIChat, row: Row) -> None:
    """A failed call stays charged; the model is left alone where it was asked for, or where failures show an outage."""
    provider.behaviour = row.make(provider)
    line = Line(chat, max_attempts=1, call_timeout_seconds=row.timeout_seconds)
    await line.ask()
    assert line.held_seconds() == pytest.approx(row.pause)
    assert line.budgets.left(MODEL, line.clock.monotonic()).requests == 999
    line.clock.advance(line.held_seconds())
    for _ in range(TOLERATED - (2 if row.outage else 1)):
        line.fail(Reason.SERVER_ERROR)
    assert line.held_seconds() == 0.0
    await line.ask()
    assert line.held_seconds() == pytest.approx(max(row.pause, 1.0 if row.outage else 0.0))


@pytest.mark.parametrize("row", [row for row in ROWS if row.again], ids=lambda row: row.name)
async def test_what_passes_is_answered_by_the_next_call(provider: FaultyProvider, chat: OpenAIChat, row: Row) -> None:
    """On the same adapter: a bad call does not spoil the next."""
    provider.once.append(row.make(provider))
    line = Line(chat, call_timeout_seconds=2.0 if row.hangs else row.timeout_seconds)
    called = await line.ask()
    assert called.reply is not None
    assert (called.code, called.calls, called.reply.text) == (Code.OK, 2, REPLY_MARK)
    assert line.held_seconds() == 0.0


@pytest.mark.parametrize("row", [row for row in ROWS if not row.again], ids=lambda row: row.name)
async def test_what_does_not_pass_leaves_the_connection_of_use(provider: FaultyProvider, chat: OpenAIChat, row: Row) -> None:
    """The next prompt is answered."""
    provider.once.append(row.make(provider))
    line = Line(chat, call_timeout_seconds=row.timeout_seconds)
    assert (await line.ask()).code is row.code
    assert (await line.ask()).code is Code.OK


async def test_missing_usage_is_an_answer_and_its_estimate_stays_charged(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """Nothing is learned, nothing is counted as used."""
    document = completion()
    del document["usage"]
    provider.behaviour = provider.document(document)
    line = Line(chat)
    called = await line.ask()
    assert (called.code, called.reply is not None and called.reply.usage) == (Code.OK, None)
    assert line.telemetry.of(TokensUsed) == []
    assert line.budgets.left(MODEL, line.clock.monotonic()).tokens < 1_000_000


async def test_another_model_is_an_answer_and_is_named(provider: FaultyProvider, chat: OpenAIChat) -> None:
    """Providers answer an alias by what stands behind it: the name in the reply goes on record, the budget stays the asked model's."""
    provider.behaviour = provider.document(completion() | {"model": "another-model-2"})
    line = Line(chat)
    called = await line.ask()
    assert (called.code, called.reply is not None and called.reply.model) == (Code.OK, "another-model-2")
    assert [fact.model for fact in line.telemetry.of(CallFinished)] == [MODEL]
    assert line.budgets.left(MODEL, line.clock.monotonic()).requests == 999


@pytest.mark.parametrize("status", [200, 429])
async def test_what_headers_say_is_left_is_believed(provider: FaultyProvider, chat: OpenAIChat, status: int) -> None:
    """Of answers and of failures; durations are read in OpenAI's forms."""
    headers = {
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-remaining-requests": "100",
        "x-ratelimit-reset-requests": "6m0s",
        "x-ratelimit-limit-tokens": "1000000",
        "x-ratelimit-remaining-tokens": "70000",
        "x-ratelimit-reset-tokens": "1.2s",
    }
    provider.behaviour = provider.document(completion(), headers=headers) if status == 200 else provider.error(status, None, headers)
    line = Line(chat, max_attempts=1)
    await line.ask()
    left = line.budgets.left(MODEL, line.clock.monotonic())
    assert 100 <= left.requests <= 150
    assert 70_000 <= left.tokens <= 120_000


def test_the_table_names_every_reason() -> None:
    """Certificates are in a file of their own; what the SDK does not document cannot be made to happen."""
    assert set(Reason) - {row.reason for row in ROWS} == {Reason.UNTRUSTED, Reason.UNEXPECTED}
    assert all(CODE_OF[row.reason] is row.code for row in ROWS)

"""The adapter under test between a server that can fail and a log at DEBUG, alone and behind the pipeline's caller with its budgets."""

from __future__ import annotations

import gc
import logging
import traceback
from collections.abc import AsyncIterator, Container, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.errors import Code
from streamgate.pipeline._call import Asked, Called, Caller
from streamgate.pipeline._fallback import Fallbacks
from streamgate.pipeline._tab import Till
from streamgate.pipeline._turns import Turns
from streamgate.provider import (
    Amount,
    Budgets,
    CallFailed,
    ChatCall,
    ChatModel,
    ChatReply,
    Claim,
    Prices,
    Purse,
    Reason,
    RetryPolicy,
    failed,
)
from streamgate.types import MaskedMessage, MaskedText, ModelRef, Parameters
from tests.fakes.effects import FakeClock, FakeSleeper, SeededEntropy
from tests.fakes.faulty_provider import REPLY_MARK, FaultyProvider
from tests.fakes.telemetry import FakeTelemetry

PROMPT_MARK = "PROMPTMARK-9z3k"
KEY = "KEYMARK-77qp"
NOW = 1_750_000_000.0
MODEL = "gpt-4o-mini"
CALL = ChatCall(
    request_id=b"r" * 16,
    model=MODEL,
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
        with nothing_said(caplog):
            yield Bench(provider, chat)
            await chat.close()


def nothing_said(caplog: pytest.LogCaptureFixture) -> _Silence:
    """A block in which everything logs at DEBUG, and after which nothing of a body, a header or a key stands in the log."""
    return _Silence(caplog)


@dataclass
class _Silence:
    caplog: pytest.LogCaptureFixture

    def __enter__(self) -> None:
        self._level = self.caplog.at_level(logging.DEBUG)
        self._level.__enter__()
        for name in ("openai", "httpx2", "httpcore2", *logging.root.manager.loggerDict):
            if name.split(".", 1)[0] in {"openai", "httpx2", "httpcore2"}:
                logging.getLogger(name).setLevel(logging.DEBUG)

    def __exit__(self, *_: object) -> None:
        gc.collect(1)  # a task whose exception nobody took says so only now
        self._level.__exit__(None, None, None)
        for record in self.caplog.records:
            _holds_nothing(f"{record.name} {record.getMessage()} {record.args} {record.exc_text}")


@dataclass
class Heard:
    """A model and what it raised; implements ``streamgate.provider.ChatModel``."""

    chat: ChatModel
    errors: list[BaseException] = field(default_factory=list)

    async def complete(self, call: ChatCall, timeout_seconds: float) -> ChatReply:
        try:
            return await self.chat.complete(call, timeout_seconds)
        except BaseException as error:
            self.errors.append(error)
            raise


class Line:
    """The adapter behind the real caller and budgets, whose time is told."""

    def __init__(self, chat: ChatModel, *, max_attempts: int = 2, call_timeout_seconds: float = 10.0) -> None:
        self.clock = FakeClock()
        self.sleeper = FakeSleeper(self.clock)
        self.telemetry = FakeTelemetry()
        self.budgets = Budgets(Amount(1_000, 1_000_000))
        self.heard = Heard(chat)
        self.till = Till(Prices(), Purse(), self.clock)
        self.caller = Caller(
            model=self.heard,
            turns=Turns(self.budgets, self.clock, self.sleeper),
            policy=RetryPolicy(max_attempts=max_attempts),
            call_timeout_seconds=call_timeout_seconds,
            telemetry=self.telemetry,
            clock=self.clock,
            sleeper=self.sleeper,
            entropy=SeededEntropy("line"),
        )

    async def ask(self, *fallbacks: ModelRef, providers: Container[str] = ("default",), seconds: float = 1_000.0) -> Called:
        """Until an answer or a code; what was raised on the way is looked through."""
        asked = Asked(CALL, "acme", self.clock.now_ms() + round(seconds * 1000), self.till.open("acme", "support"))
        called = await Fallbacks(self.caller, providers).call(asked, fallbacks, _permit, _intend)
        _holds_nothing(repr(called))
        for error in self.heard.errors:
            look_through(error)
        return called

    def fail(self, reason: Reason) -> None:
        """A call of somebody else's fails."""
        now = self.clock.monotonic()
        ticket = self.budgets.enter(Claim(CALL, "other", bulk=False, deadline=now + 1000), now)
        reserved = dict(self.budgets.serve(now))[ticket]
        assert reserved is not None
        self.budgets.failed(reserved, failed(reason), now)

    def held_seconds(self) -> float:
        """How long the model is left alone."""
        return self.budgets.held_seconds(MODEL, self.clock.monotonic())


async def failure(chat: OpenAIChat, timeout_seconds: float = 10.0) -> CallFailed:
    """What the call ends with, after checking that it says nothing."""
    with pytest.raises(CallFailed) as caught:
        await chat.complete(CALL, timeout_seconds)
    look_through(caught.value)
    return caught.value


def look_through(error: BaseException) -> None:
    """Neither it, nor what it came from, nor what it carries says anything."""
    assert isinstance(error, CallFailed)
    for each in _chain(error):
        _holds_nothing(str(each) + repr(each) + repr(each.args) + repr(vars(each)))
    _holds_nothing("".join(traceback.format_exception(error)))
    assert error.__cause__ is None
    assert error.__context__ is None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    if error is not None:
        yield error
        yield from _chain(error.__cause__)
        yield from _chain(error.__context__)


def _holds_nothing(said: str) -> None:
    for mark in (PROMPT_MARK, REPLY_MARK, KEY):
        assert mark not in said


async def _permit() -> Code:
    return Code.OK


async def _intend(call: ChatCall) -> None:
    del call

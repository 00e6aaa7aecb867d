"""Calls the provider under budget, deadline and retry policy. One place decides; the SDK's own retries are off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from streamgate.effects import Clock, Entropy, Sleeper
from streamgate.errors import Code, Unavailable
from streamgate.pipeline._tab import Tab
from streamgate.pipeline._turns import Turns
from streamgate.provider import CallFailed, ChatCall, ChatModel, ChatReply, Claim, Payable, Reserved, RetryPolicy
from streamgate.telemetry import BudgetLeft, CallFinished, CallRetried, Telemetry, TokensUsed

LOOK_AGAIN_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Asked:
    """A call, for whom, and by when."""

    call: ChatCall
    tenant: str
    deadline_ms: int
    tab: Tab
    """What its calls cost, and for what."""
    bulk: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Called:
    """How a request ended."""

    code: Code
    reply: ChatReply | None = None
    calls: int = 0
    seconds: float = 0.0
    """Of the last call."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The one way out."""

    model: ChatModel
    turns: Turns
    policy: RetryPolicy
    call_timeout_seconds: float
    telemetry: Telemetry
    clock: Clock
    sleeper: Sleeper
    entropy: Entropy

    async def call(self, asked: Asked, permit: Callable[[], Awaitable[Code]], intend: Callable[[], Awaitable[None]]) -> Called:
        """Wait for a turn and permission, leave a trace, call; again where failure, deadline, money and the budget of repetitions allow."""
        calls, model, budgets = 0, asked.call.model, self.turns.budgets
        budgets.called(model, again=False)
        while True:
            code = await self._affordable(asked)
            if code is not Code.OK:
                return Called(code, calls=calls)
            reserved = await self.turns.take(self._claim(asked))
            if reserved is None:
                return Called(Code.DEADLINE_EXCEEDED, calls=calls)
            # Once more, and set aside now: while this one waited for its turn, others have called.
            payable = asked.tab.take(model, budgets.estimate(asked.call))
            code = await self._permitted(permit, intend) if payable is Payable.NOW else Code.MONEY_SPENT
            if code is not Code.OK:
                asked.tab.not_called()
                budgets.release(reserved, self.clock.monotonic())
                self.turns.changed()
                if payable is Payable.LATER:
                    continue
                return Called(code, calls=calls)
            if not budgets.sends(reserved, self.clock.monotonic()):
                self.turns.changed()
                continue
            calls += 1
            called, failure = await self._once(asked, reserved, calls)
            self.turns.changed()
            if failure is None:
                return called
            delay = self.policy.next_delay(calls, failure, self._left(asked), self.entropy.token_bytes(8))
            if delay is None or not budgets.called(model, again=True):
                return called
            self.telemetry.emit(CallRetried(model, failure.reason.value))
            await self.sleeper.sleep(delay)

    async def _permitted(self, permit: Callable[[], Awaitable[Code]], intend: Callable[[], Awaitable[None]]) -> Code:
        code = await permit()
        if code is not Code.OK:
            return code
        try:
            await intend()
            return await permit()  # once more: leaving the trace may have taken long
        except Unavailable:
            return Code.PROVIDER_FAILED

    async def _affordable(self, asked: Asked) -> Code:
        """Who cannot pay is told so at once; who could, but for what others hold, waits. But first it must be known what was spent."""
        tab, estimate = asked.tab, self.turns.budgets.estimate
        while tab.unknown() or (payable := tab.payable(asked.call.model, estimate(asked.call))) is Payable.LATER:
            if self._left(asked) <= 0:
                return Code.DEADLINE_EXCEEDED
            await self.sleeper.sleep(LOOK_AGAIN_SECONDS)
        return Code.OK if payable is Payable.NOW else Code.MONEY_SPENT

    def _left(self, asked: Asked) -> float:
        return (asked.deadline_ms - self.clock.now_ms()) / 1000

    def _claim(self, asked: Asked) -> Claim:
        return Claim(asked.call, asked.tenant, asked.bulk, self.clock.monotonic() + self._left(asked))

    async def _once(self, asked: Asked, reserved: Reserved, calls: int) -> tuple[Called, CallFailed | None]:
        call, started = asked.call, self.clock.monotonic()
        timeout = min(self.call_timeout_seconds, max(0.001, self._left(asked)))
        try:
            reply = await self.model.complete(call, timeout)
        except CallFailed as failure:
            seconds = self.clock.monotonic() - started
            asked.tab.failed(call.model, failure)
            self.turns.budgets.failed(reserved, failure, self.clock.monotonic())
            self.telemetry.emit(CallFinished(call.model, failure.code, seconds))
            return Called(failure.code, calls=calls, seconds=seconds), failure
        seconds = self.clock.monotonic() - started
        asked.tab.answered(call.model, reply)
        self._settle(call, reserved, reply, seconds)
        self.telemetry.emit(CallFinished(call.model, Code.OK, seconds))
        return Called(Code.OK, reply, calls, seconds), None

    def _settle(self, call: ChatCall, reserved: Reserved, reply: ChatReply, seconds: float) -> None:
        now = self.clock.monotonic()
        self.turns.budgets.succeeded(call, reserved, reply, seconds, now)
        if reply.usage is not None:
            self.telemetry.emit(TokensUsed(call.model, reply.usage.prompt_tokens, reply.usage.completion_tokens))
        left = self.turns.budgets.left(call.model, now)
        self.telemetry.emit(BudgetLeft(call.model, left.requests, left.tokens))

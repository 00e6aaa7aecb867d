"""Calls the provider under budget, deadline and retry policy. One place decides; the SDK's own retries are off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from streamgate.effects import Clock, Entropy, Sleeper
from streamgate.errors import Code, Unavailable
from streamgate.pipeline._tab import Tab
from streamgate.pipeline._turns import Turns
from streamgate.provider import FALLS_BACK, CallFailed, ChatCall, ChatModel, ChatReply, Claim, Left, Payable, Reserved, RetryPolicy
from streamgate.telemetry import BudgetLeft, CallFinished, CallRetried, Telemetry, TokensUsed
from streamgate.types import ModelRef

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
    elsewhere: bool = False
    """Whether another model may be asked instead: then an outage is not waited for, and half of the time is left for it."""


@dataclass(frozen=True, slots=True, repr=False)
class Called:
    """How a request ended."""

    code: Code
    reply: ChatReply | None = None
    calls: int = 0
    seconds: float = 0.0
    """Of the last call."""
    why: str | None = None
    """Where another model may help: why this one was left."""
    at: ModelRef | None = None
    """The model that this is about."""
    left: int = 0
    """How many models were left before."""


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
        calls, model, budgets = 0, asked.call.name, self.turns.budgets
        patience = self._left(asked) * (0.5 if asked.elsewhere else 0.0)
        budgets.called(model, again=False)
        while True:
            code = await self._affordable(asked)
            if code is not Code.OK:
                return Called(code, calls=calls)
            reserved = await self.turns.take(self._claim(asked))
            if reserved is None:
                return self._no_turn(asked, calls)
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
                asked.tab.not_called()
                self.turns.changed()
                continue
            calls += 1
            called, failure = await self._once(asked, reserved, calls)
            self.turns.changed()
            if failure is None:
                return called
            delay = self.policy.next_delay(calls, failure, self._left(asked) - patience, self.entropy.token_bytes(8))
            if delay is None or not budgets.called(model, again=True):
                return called
            self.telemetry.emit(CallRetried(model, failure.reason.value))
            await self.sleeper.sleep(delay)

    def _no_turn(self, asked: Asked, calls: int) -> Called:
        if asked.elsewhere and self.turns.budgets.in_outage(asked.call.name, self.clock.monotonic()):
            return Called(Code.PROVIDER_FAILED, calls=calls, why=Left.BREAKER_OPEN.value)
        return Called(Code.DEADLINE_EXCEEDED, calls=calls, why=Left.NO_ROOM.value)

    async def _permitted(self, permit: Callable[[], Awaitable[Code]], intend: Callable[[], Awaitable[None]]) -> Code:
        code = await permit()
        if code is not Code.OK:
            return code
        try:
            await intend()
            return await permit()  # once more: leaving the trace may have taken long
        except Unavailable as error:
            if error.code is Code.FENCED:
                raise  # the partition is another worker's, and so is the call
            return Code.PROVIDER_FAILED

    async def _affordable(self, asked: Asked) -> Code:
        """Who cannot pay is told so at once; who could, but for what others hold, waits. But first it must be known what was spent."""
        tab, estimate = asked.tab, self.turns.budgets.estimate
        while tab.unknown() or (payable := tab.payable(asked.call.name, estimate(asked.call))) is Payable.LATER:
            if self._left(asked) <= 0:
                return Code.DEADLINE_EXCEEDED
            await self.sleeper.sleep(LOOK_AGAIN_SECONDS)
        return Code.OK if payable is Payable.NOW else Code.MONEY_SPENT

    def _left(self, asked: Asked) -> float:
        return (asked.deadline_ms - self.clock.now_ms()) / 1000

    def _claim(self, asked: Asked) -> Claim:
        return Claim(asked.call, asked.tenant, asked.bulk, self.clock.monotonic() + self._left(asked), asked.elsewhere)

    async def _once(self, asked: Asked, reserved: Reserved, calls: int) -> tuple[Called, CallFailed | None]:
        call, started = asked.call, self.clock.monotonic()
        left = self._left(asked) * (0.5 if asked.elsewhere else 1.0)
        timeout = min(self.call_timeout_seconds, max(0.001, left))
        try:
            reply = await self.model.complete(call, timeout)
        except CallFailed as failure:
            seconds = self.clock.monotonic() - started
            asked.tab.failed(call.name, failure)
            self.turns.budgets.failed(reserved, failure, self.clock.monotonic())
            self.telemetry.emit(CallFinished(call.name, failure.code, seconds))
            why = failure.reason.value if failure.reason in FALLS_BACK else None
            return Called(failure.code, calls=calls, seconds=seconds, why=why), failure
        seconds = self.clock.monotonic() - started
        asked.tab.answered(call.name, reply)
        self._settle(call, reserved, reply, seconds)
        self.telemetry.emit(CallFinished(call.name, Code.OK, seconds))
        return Called(Code.OK, reply, calls, seconds), None

    def _settle(self, call: ChatCall, reserved: Reserved, reply: ChatReply, seconds: float) -> None:
        now = self.clock.monotonic()
        self.turns.budgets.succeeded(call, reserved, reply, seconds, now)
        if reply.usage is not None:
            self.telemetry.emit(TokensUsed(call.name, reply.usage.prompt_tokens, reply.usage.completion_tokens))
        left = self.turns.budgets.left(call.name, now)
        self.telemetry.emit(BudgetLeft(call.name, left.requests, left.tokens))

"""Calls the provider under budget, deadline and retry policy. One place decides; the SDK's own retries are off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from streamgate.effects import Clock, Entropy, Sleeper
from streamgate.errors import Code, Unavailable
from streamgate.provider import Budgets, CallFailed, ChatCall, ChatModel, ChatReply, Reserved, RetryPolicy, Wait
from streamgate.telemetry import BudgetLeft, CallFinished, CallRetried, Telemetry, TokensUsed

LONGEST_WAIT_SECONDS: Final = 5.0
"""A wait for budget is cut here, so that gate and deadline are looked at again."""


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
    budgets: Budgets
    policy: RetryPolicy
    call_timeout_seconds: float
    telemetry: Telemetry
    clock: Clock
    sleeper: Sleeper
    entropy: Entropy

    async def call(
        self, call: ChatCall, deadline_ms: int, permit: Callable[[], Awaitable[Code]], intend: Callable[[], Awaitable[None]]
    ) -> Called:
        """Wait for budget and permission, leave a trace, call; again where the failure and the deadline allow."""
        calls = 0
        while True:
            reserved = await self._reserve(call, deadline_ms)
            if reserved is None:
                return Called(Code.DEADLINE_EXCEEDED, calls=calls)
            code = await permit()
            if code is Code.OK:
                try:
                    await intend()
                    code = await permit()  # once more: leaving the trace may have taken long
                except Unavailable:
                    code = Code.PROVIDER_FAILED
            if code is not Code.OK:
                self.budgets.settle(reserved, 0, self.clock.monotonic())
                return Called(code, calls=calls)
            calls += 1
            called, failure = await self._once(call, reserved, deadline_ms, calls)
            if failure is None:
                return called
            delay = self.policy.next_delay(calls, failure, self._left(deadline_ms), self.entropy.token_bytes(8))
            if delay is None:
                return called
            self.telemetry.emit(CallRetried(call.model, failure.reason.value))
            await self.sleeper.sleep(delay)

    def _left(self, deadline_ms: int) -> float:
        return (deadline_ms - self.clock.now_ms()) / 1000

    async def _reserve(self, call: ChatCall, deadline_ms: int) -> Reserved | None:
        """Room in the budget, waited for; ``None`` when the deadline comes first."""
        while True:
            left = self._left(deadline_ms)
            if left <= 0:
                return None
            answer = self.budgets.reserve(call, self.clock.monotonic())
            if not isinstance(answer, Wait):
                return answer
            await self.sleeper.sleep(min(answer.seconds, left, LONGEST_WAIT_SECONDS))

    async def _once(self, call: ChatCall, reserved: Reserved, deadline_ms: int, calls: int) -> tuple[Called, CallFailed | None]:
        started = self.clock.monotonic()
        timeout = min(self.call_timeout_seconds, max(0.001, self._left(deadline_ms)))
        try:
            reply = await self.model.complete(call, timeout)
        except CallFailed as failure:
            seconds = self.clock.monotonic() - started
            self.budgets.failed(reserved, failure, self.clock.monotonic())
            self.telemetry.emit(CallFinished(call.model, failure.code, seconds))
            return Called(failure.code, calls=calls, seconds=seconds), failure
        seconds = self.clock.monotonic() - started
        self._settle(call, reserved, reply)
        self.telemetry.emit(CallFinished(call.model, Code.OK, seconds))
        return Called(Code.OK, reply, calls, seconds), None

    def _settle(self, call: ChatCall, reserved: Reserved, reply: ChatReply) -> None:
        now = self.clock.monotonic()
        self.budgets.succeeded(call, reserved, reply, now)
        if reply.usage is not None:
            self.telemetry.emit(TokensUsed(call.model, reply.usage.prompt_tokens, reply.usage.completion_tokens))
        left = self.budgets.left(call.model, now)
        self.telemetry.emit(BudgetLeft(call.model, left.requests, left.tokens))

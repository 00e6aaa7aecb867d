"""Calls the model that a request names, and where its provider fails, the fallbacks that vault wrote into the request, in order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, replace

from streamgate.errors import Code
from streamgate.pipeline._call import Asked, Called, Caller
from streamgate.provider import ChatCall, Left
from streamgate.telemetry import FellBack
from streamgate.types import ModelRef, Usage


@dataclass(frozen=True, slots=True)
class Fallbacks:
    """One request, at most one answer.

    - Only models of the request are called: the policy's choice, made by vault. A provider without credentials is skipped and counted.
    - Every call has its own permission, its own trace and its own place in the limits: a fallback is a call like any other.
    - Nothing begins after the deadline.
    - How the last model that was called ended is how the request ends; one that had no turn tells less than one that failed.
    """

    caller: Caller
    providers: Container[str]
    """Those that egress has credentials for."""

    def estimate(self, call: ChatCall) -> Usage:
        """Tokens that a call will use, seldom too few."""
        return self.caller.turns.budgets.estimate(call)

    async def call(
        self,
        asked: Asked,
        fallbacks: tuple[ModelRef, ...],
        permit: Callable[[], Awaitable[Code]],
        intend: Callable[[ChatCall], Awaitable[None]],
    ) -> Called:
        """Call until one answers, or until no other may help."""
        first = ModelRef(asked.call.provider, asked.call.model)
        ended = Called(Code.PROVIDER_UNAUTHORISED, at=first)
        left = calls = 0
        refs = (first, *fallbacks)
        for at, ref in enumerate(refs):
            if ref.provider not in self.providers:
                self.caller.telemetry.emit(FellBack(ref.name, Left.NO_CREDENTIALS.value))
                continue
            if left and self._over(asked):
                break
            elsewhere = any(other.provider in self.providers for other in refs[at + 1 :])
            call = replace(asked.call, provider=ref.provider, model=ref.model)
            here = await self._one(replace(asked, call=call, elsewhere=elsewhere), permit, intend)
            calls += here.calls
            if not left or here.calls or here.why is None:
                ended = replace(here, at=ref, left=left)
            if here.why is None:
                break
            if elsewhere:
                self.caller.telemetry.emit(FellBack(ref.name, here.why))
                left += 1
        return replace(ended, calls=calls)

    async def _one(self, asked: Asked, permit: Callable[[], Awaitable[Code]], intend: Callable[[ChatCall], Awaitable[None]]) -> Called:
        return await self.caller.call(asked, permit, lambda: intend(asked.call))

    def _over(self, asked: Asked) -> bool:
        return self.caller.clock.now_ms() >= asked.deadline_ms

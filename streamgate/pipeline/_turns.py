"""Waits until it is a call's turn. Who is next is decided by ``streamgate.provider.Budgets``; here is only the waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from streamgate.effects import Clock, Sleeper
from streamgate.provider import Budgets, Claim, Reserved

TICK_SECONDS: Final = 0.1
"""While somebody waits, it is looked so often whether room has come free; changes are looked at when they happen."""


@dataclass(slots=True)
class Turns:
    """Everybody who waits in this worker."""

    budgets: Budgets
    clock: Clock
    sleeper: Sleeper
    waited_for: Callable[[], None] = lambda: None
    """Told when somebody has to wait."""
    _waiting: dict[int, asyncio.Future[Reserved | None]] = field(default_factory=dict)
    _keeper: asyncio.Task[None] | None = None

    async def take(self, claim: Claim) -> Reserved | None:
        """Room for a call when its turn has come; ``None`` where it cannot be answered before its deadline."""
        ticket = self.budgets.enter(claim, self.clock.monotonic())
        answer: asyncio.Future[Reserved | None] = asyncio.get_running_loop().create_future()
        self._waiting[ticket.number] = answer
        self.changed()
        if not answer.done():
            self.waited_for()
            if self._keeper is None or self._keeper.done():
                self._keeper = asyncio.create_task(self._keep())
        try:
            return await answer
        except asyncio.CancelledError:
            reserved = answer.result() if answer.done() and not answer.cancelled() else None
            if reserved is not None:
                self.budgets.release(reserved, self.clock.monotonic())
            raise
        finally:
            self._waiting.pop(ticket.number, None)
            self.budgets.leave(ticket)

    def changed(self) -> None:
        """Something ended, or what may be used has changed: let in whose turn it is."""
        for ticket, reserved in self.budgets.serve(self.clock.monotonic()):
            answer = self._waiting.pop(ticket.number, None)
            if answer is not None and not answer.done():
                answer.set_result(reserved)
            elif reserved is not None:
                self.budgets.release(reserved, self.clock.monotonic())

    async def _keep(self) -> None:
        try:
            while self._waiting:
                await self.sleeper.sleep(TICK_SECONDS)
                self.changed()
        except Exception as error:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(error)
            raise

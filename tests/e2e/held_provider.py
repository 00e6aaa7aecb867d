"""The simulated provider with a gate: its answers can be held back, so that a test decides what happens while a call is out."""

from __future__ import annotations

import asyncio

from aiohttp import web

from streamgate.demo._provider import SimulatedProvider


class HeldProvider(SimulatedProvider):
    """Answers at once until ``gate`` is cleared, then when it is set again. What is received is visible before."""

    def __init__(self, latency_seconds: float = 0.01) -> None:
        super().__init__(latency_seconds)
        self.gate = asyncio.Event()
        self.gate.set()

    async def _complete(self, request: web.Request) -> web.Response:
        response = await super()._complete(request)
        await self.gate.wait()
        return response

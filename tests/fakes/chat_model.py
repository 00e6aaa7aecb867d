"""A chat model without a network: answers from a script, otherwise repeats the last message."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from streamgate.provider import CallFailed, ChatCall, ChatReply, Reason, failed
from streamgate.types import MaskedMessage, Usage


class FakeChatModel:
    """Implements ``streamgate.provider.ChatModel``; ``calls`` is what was asked."""

    def __init__(self, *script: ChatReply | CallFailed) -> None:
        self.calls: list[ChatCall] = []
        self.timeouts: list[float] = []
        self.script = deque(script)
        self.gate: asyncio.Event | None = None
        """When set to an event, calls wait for it, at most until their timeout."""
        self.then: Callable[[], object] = lambda: None
        """What happens while a call is under way."""

    async def complete(self, call: ChatCall, timeout_seconds: float) -> ChatReply:
        if not all(isinstance(message, MaskedMessage) for message in call.messages):
            raise TypeError("only masked messages can be sent")
        self.calls.append(call)
        self.timeouts.append(timeout_seconds)
        outcome = await self._outcome(call, timeout_seconds)
        self.then()
        if isinstance(outcome, CallFailed):
            raise outcome
        return outcome

    async def _outcome(self, call: ChatCall, timeout_seconds: float) -> ChatReply | CallFailed:
        if self.gate is not None:
            try:
                async with asyncio.timeout(timeout_seconds):
                    await self.gate.wait()
            except TimeoutError:
                return failed(Reason.TIMEOUT)
        if self.script:
            return self.script.popleft()
        text = call.messages[-1].content.text if call.messages else ""
        return ChatReply(text=text, finish_reason="stop", model=call.model, usage=Usage(10, 5), provider_request_id="req_fake")

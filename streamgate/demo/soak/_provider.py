"""A provider that enforces its limits and misbehaves when it is told to; it keeps a record of every call. A real HTTP server, no model."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from streamgate.demo._answers import answer
from streamgate.demo.soak._bucket import Account
from streamgate.demo.soak._evidence import Call, Limit
from streamgate.demo.soak._fault import Kind

_MOST_BYTES: Final = 4 * 1024 * 1024
_CHARACTERS_PER_TOKEN: Final = 4
_SLOW_SECONDS: Final = 2.5
_OVERHEAD_TOKENS: Final = 8


class UnreliableProvider:
    """``async with UnreliableProvider(limit) as provider``: behaves until :meth:`misbehave`."""

    def __init__(self, limit: Limit, latency_seconds: float = 0.05, seed: int = 0) -> None:
        """``limit`` holds for all callers together."""
        self.calls: list[Call] = []
        self.received: list[bytes] = []
        """Bodies as they arrived, to be searched."""
        self._account = Account(limit, time.monotonic())
        self._latency_seconds = latency_seconds
        self._chance = random.Random(seed)
        self._mood: Kind | None = None
        self._over = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.base_url = ""
        """What an OpenAI client takes as its base URL."""

    def misbehave(self, mood: Kind | None) -> None:
        """Do this to every call from now on; ``None``: behave."""
        self._mood = mood

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_post("/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop listening."""
        self._over.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.received.append(body)
        mood, at_ms = self._mood, time.time_ns() // 1_000_000
        document = json.loads(body)
        messages = [(str(message["role"]), str(message["content"])) for message in document["messages"]]
        content, tokens = content_of(messages), tokens_of(messages)
        wait = self._account.take(tokens, time.monotonic())
        if wait or mood in {Kind.LIMITED, Kind.ERROR}:
            status = 500 if mood is Kind.ERROR and not wait else 429
            self.calls.append(Call(content, at_ms, status, paid=False, injected=not wait))
            return _error(status, max(wait, 1.0) if status == 429 else None, self._account.headers())  # noqa: PLR2004  RFC 6585 §4
        self.calls.append(Call(content, at_ms, 200, paid=True, tokens=tokens))
        return await self._answer(request, mood, str(document["model"]), messages, tokens)

    async def _answer(
        self, request: web.Request, mood: Kind | None, model: str, messages: Sequence[tuple[str, str]], tokens: int
    ) -> web.StreamResponse:
        """The work is done, and paid for; whether the answer arrives is another matter."""
        headers = self._account.headers() | {"x-request-id": f"req_soak_{len(self.calls)}"}
        await asyncio.sleep(_SLOW_SECONDS if mood is Kind.SLOW else self._latency_seconds)
        if mood is Kind.SILENT:
            await self._over.wait()
        if mood is Kind.RESET and request.transport is not None:
            request.transport.abort()
        return web.json_response(self._reply(model, messages, tokens), headers=headers)

    def _reply(self, model: str, messages: Sequence[tuple[str, str]], tokens: int) -> dict[str, Any]:
        text = answer(messages, self._chance)
        return {
            "id": f"chatcmpl-soak-{len(self.calls)}",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
        }


def content_of(messages: Sequence[tuple[str, str]]) -> bytes:
    """What tells two requests apart: a digest of roles and texts. Every prompt of a run differs from every other."""
    return hashlib.sha256(json.dumps([list(message) for message in messages]).encode()).digest()


def tokens_of(messages: Sequence[tuple[str, str]]) -> int:
    """What a call costs, answer included."""
    return sum(len(content) for _, content in messages) // _CHARACTERS_PER_TOKEN + _OVERHEAD_TOKENS * len(messages)


def _error(status: int, retry_after_seconds: float | None, headers: dict[str, str]) -> web.Response:
    code = "rate_limit_exceeded" if retry_after_seconds is not None else "server_error"
    if retry_after_seconds is not None:
        headers = headers | {"retry-after-ms": str(round(retry_after_seconds * 1000))}
    error = {"message": "simulated failure", "type": "simulated", "code": code, "param": None}
    return web.json_response({"error": error}, status=status, headers=headers)

"""The simulated provider: a real HTTP server on the loopback address, and no model.

It keeps every byte it is sent, so that the demo can search what a provider would have seen. Its answers are templates around the tokens
that stand in the prompt, some of them bent the way models bend them, and each says that it is simulated.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from streamgate.demo._answers import answer
from streamgate.demo._provider_batches import Desk

_MOST_BYTES: Final = 64 * 1024 * 1024
_CHARACTERS_PER_TOKEN: Final = 4
_REQUESTS_PER_MINUTE: Final = 100_000
_TOKENS_PER_MINUTE: Final = 100_000_000
_UNWRITTEN: Final = {"authorization"}
"""The one header that is not kept: it holds a credential."""


class SimulatedProvider:
    """``async with SimulatedProvider(...) as provider``: listens on a free port until the end of the block."""

    def __init__(self, latency_seconds: float = 0.05, seed: int = 0) -> None:
        """The same seed and the same requests give the same answers."""
        self.received: list[bytes] = []
        """Every request as it arrived: request line, headers without the credential, body."""
        self.desk = Desk(self._answered)
        self._latency_seconds = latency_seconds
        self._random = random.Random(seed)
        self._failures: deque[tuple[int, str | None, str | None]] = deque()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as its base URL."""
        return f"http://127.0.0.1:{self._port}/v1"

    def fail_next(self, status: int, *, code: str | None = None, retry_after: str | None = None, times: int = 1) -> None:
        """Answer the next ``times`` calls with an error instead."""
        self._failures.extend([(status, code, retry_after)] * times)

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_routes(self.desk.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _complete(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.received.append(_as_received(request, body))
        await asyncio.sleep(self._latency_seconds)
        headers = self._headers()
        if self._failures:
            return _error(*self._failures.popleft(), headers)
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        status, made = self._answered(document)
        return web.json_response(made, status=status, headers=headers)

    def _answered(self, document: Any) -> tuple[int, dict[str, Any]]:
        """Status and body of one chat completion, asked for alone or in a batch."""
        try:
            messages = [(str(message["role"]), str(message["content"])) for message in document["messages"]]
            model = str(document["model"])
        except (KeyError, TypeError):
            return 400, {"error": _failure("invalid_request_error")}
        return 200, self._reply(model, messages)

    def _reply(self, model: str, messages: list[tuple[str, str]]) -> dict[str, Any]:
        text = answer(messages, self._random)
        prompt_tokens = sum(len(content) for _, content in messages) // _CHARACTERS_PER_TOKEN + 4 * len(messages)
        completion_tokens = len(text) // _CHARACTERS_PER_TOKEN
        return {
            "id": f"chatcmpl-simulated-{len(self.received)}",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
            },
        }

    def _headers(self) -> dict[str, str]:
        return {
            "x-request-id": f"req_simulated_{len(self.received)}",
            "x-ratelimit-limit-requests": str(_REQUESTS_PER_MINUTE),
            "x-ratelimit-remaining-requests": str(_REQUESTS_PER_MINUTE - 1),
            "x-ratelimit-reset-requests": "6ms",
            "x-ratelimit-limit-tokens": str(_TOKENS_PER_MINUTE),
            "x-ratelimit-remaining-tokens": str(_TOKENS_PER_MINUTE - 1000),
            "x-ratelimit-reset-tokens": "20ms",
        }


def _as_received(request: web.Request, body: bytes) -> bytes:
    lines = [f"{request.method} {request.raw_path} HTTP/1.1".encode()]
    lines += [name + b": " + value for name, value in request.raw_headers if name.decode("latin-1").lower() not in _UNWRITTEN]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _error(status: int, code: str | None, retry_after: str | None, headers: dict[str, str]) -> web.Response:
    if retry_after is not None:
        headers = headers | {"retry-after": retry_after}
    return web.json_response({"error": _failure(code)}, status=status, headers=headers)


def _failure(code: str | None) -> dict[str, str | None]:
    return {"message": "simulated failure", "type": "simulated", "code": code, "param": None}

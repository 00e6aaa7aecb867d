"""A real HTTP server on the loopback address that fails in every way a provider, or something before it, can fail."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp import web

REPLY_MARK = "REPLYMARK-5t8w"
"""Stands in every body, in a header and in the reason phrase of whatever this server sends."""
REASON = f"because {REPLY_MARK}"

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultyProvider:
    """Behaves as ``behaviour`` says, ``once`` first; ``requests`` are the bodies it got."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.behaviour: Behaviour = self.document(completion())
        self.once: deque[Behaviour] = deque()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self._over = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        app.on_response_prepare.append(_mark)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.base_url = f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        self.requests.append(await request.json())
        behaviour = self.once.popleft() if self.once else self.behaviour
        return await behaviour(request)

    # behaviours

    def document(self, document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
        """Answer with JSON."""
        return self.raw(json.dumps(document).encode(), status, headers)

    def raw(
        self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = "application/json"
    ) -> Behaviour:
        """Answer with bytes."""

        async def behave(request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status, reason=REASON, headers=headers, content_type=content_type)

        return behave

    def error(
        self, status: int, code: str | None = None, headers: Mapping[str, str] | None = None, *, kind: str = "some_error"
    ) -> Behaviour:
        """Answer as OpenAI answers errors; the message quotes something."""
        return self.document({"error": {"message": f"no: {REPLY_MARK}", "type": kind, "param": None, "code": code}}, status, headers)

    def bytes_on_the_wire(self, data: bytes) -> Behaviour:
        """Write these bytes instead of an HTTP response, and close."""

        async def behave(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.write(data)
            request.transport.close()
            return web.Response()

        return behave

    async def say_nothing(self, request: web.Request) -> web.StreamResponse:
        """Take the request and never answer."""
        await self._over.wait()
        return web.Response()

    async def headers_only(self, request: web.Request) -> web.StreamResponse:
        """Send headers and no body."""
        response = await self._begin(request, 1000)
        await self._over.wait()
        return response

    async def half_a_body(self, request: web.Request) -> web.StreamResponse:
        """Stop in the middle of the body without closing."""
        response = await self._begin(request, 1000)
        await response.write(b'{"choices": [{"message": {"content": "' + REPLY_MARK.encode())
        await self._over.wait()
        return response

    async def drip(self, request: web.Request) -> web.StreamResponse:
        """Send one byte at a time, each soon enough for a timeout between bytes."""
        response = await self._begin(request, 1_000_000)
        while not self._over.is_set():
            try:
                await response.write(b" ")
                await asyncio.wait_for(self._over.wait(), 0.02)
            except TimeoutError:
                continue
            except OSError:
                break
        return response

    async def reset(self, request: web.Request) -> web.StreamResponse:
        """Drop the connection instead of answering."""
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def reset_in_body(self, request: web.Request) -> web.StreamResponse:
        """Drop the connection in the middle of the body."""
        response = await self._begin(request, 1000)
        await response.write(b'{"choices": "' + REPLY_MARK.encode())
        assert request.transport is not None
        request.transport.abort()
        return response

    def oversize(self, size: int, status: int = 200) -> Behaviour:
        """A well-formed reply of about ``size`` bytes, in chunks, without a content-length."""

        async def behave(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(status=status, reason=REASON, headers={"content-type": "application/json"})
            await response.prepare(request)
            body = json.dumps(completion(content="x" * size)).encode()
            try:
                for start in range(0, len(body), 65_536):
                    await response.write(body[start : start + 65_536])
                await response.write_eof()
            except OSError:
                return response
            return response

        return behave

    async def _begin(self, request: web.Request, length: int) -> web.StreamResponse:
        response = web.StreamResponse(reason=REASON, headers={"content-type": "application/json", "content-length": str(length)})
        await response.prepare(request)
        return response


async def _mark(request: web.Request, response: web.StreamResponse) -> None:
    """What the provider writes may stand anywhere."""
    response.headers["x-said"] = REPLY_MARK


def completion(content: Any = REPLY_MARK, **message: Any) -> dict[str, Any]:
    """A chat completion object as OpenAI sends it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content, "refusal": None, **message}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }

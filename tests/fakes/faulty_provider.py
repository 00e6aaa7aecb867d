"""A real HTTP server on the loopback address that fails in every way a provider, or something before it, can fail."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

REPLY_MARK = "REPLYMARK-5t8w"
"""Stands in every body that this server sends."""

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FaultyProvider:
    """Behaves as ``behaviour`` says; ``requests`` are the bodies it got."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.behaviour: Behaviour = self.document(completion())
        self.requests: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self._over = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._handle)
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
        return await self.behaviour(request)

    # behaviours

    def document(self, document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
        """Answer with JSON."""
        return self.raw(json.dumps(document).encode(), status, headers)

    def raw(
        self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = "application/json"
    ) -> Behaviour:
        """Answer with bytes."""

        async def behave(request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status, headers=headers, content_type=content_type)

        return behave

    def error(self, status: int, code: str | None = None, headers: Mapping[str, str] | None = None) -> Behaviour:
        """Answer as OpenAI answers errors; the message quotes something."""
        return self.document(
            {"error": {"message": f"no: {REPLY_MARK}", "type": "some_error", "param": None, "code": code}}, status, headers
        )

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
            response = web.StreamResponse(status=status, headers={"content-type": "application/json"})
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
        response = web.StreamResponse(headers={"content-type": "application/json", "content-length": str(length)})
        await response.prepare(request)
        return response


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


def self_signed(directory: Path) -> ssl.SSLContext:
    """A server context with a certificate for 127.0.0.1 that no authority signed."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = directory / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context

"""A TCP proxy between the workers and the broker that can be cut and slowed down. It understands nothing of what passes through."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

_LOOPBACK: Final = "127.0.0.1"
_CHUNK_BYTES: Final = 65_536
_AHEAD: Final = 64
"""Chunks of one direction that may wait for their time; then the sender waits."""


class Proxy:
    """``async with Proxy(port) as proxy``: what connects to ``proxy.port`` is passed on to ``port``."""

    def __init__(self, target_port: int) -> None:
        """Listens from the moment it is entered; the port is taken at once, so that it can be advertised before."""
        self._target = target_port
        self._socket = socket.create_server((_LOOPBACK, 0))
        self.port: int = self._socket.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._delay_seconds = 0.0
        self._cut = False

    async def __aenter__(self) -> Self:
        """Begin to accept."""
        self._server = await asyncio.start_server(self._accept, sock=self._socket)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Drop every connection and stop."""
        if self._server is not None:
            self._server.close()
        await self._drop()

    async def cut(self) -> None:
        """Drop every connection, and each new one, until :meth:`heal`."""
        self._cut = True
        await self._drop()

    def delay(self, seconds: float) -> None:
        """Hold every chunk for so long, in both directions, until :meth:`heal`."""
        self._delay_seconds = seconds

    def heal(self) -> None:
        """Pass everything on at once again."""
        self._cut = False
        self._delay_seconds = 0.0

    async def _drop(self) -> None:
        dropped = list(self._connections)
        for connection in dropped:
            connection.cancel()
        await asyncio.gather(*dropped, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if self._cut or task is None:
            writer.transport.abort()
            return
        self._connections.add(task)
        try:
            await self._connected(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # either side is gone, or we cut it: both sides see their connection dropped
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(_LOOPBACK, self._target)
        ways = [asyncio.create_task(self._pass(reader, back)), asyncio.create_task(self._pass(there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            back.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction. A delay is latency, not a lower rate: chunks wait side by side."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_AHEAD)

        async def deliver() -> None:
            while True:
                due, chunk = await waiting.get()
                if not chunk:
                    return
                await asyncio.sleep(max(0.0, due - loop.time()))
                writer.write(chunk)
                await writer.drain()

        delivering = asyncio.create_task(deliver())
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                await waiting.put((loop.time() + self._delay_seconds, chunk))
                if delivering.done():
                    return
            await waiting.put((0.0, b""))
            await delivering
        finally:
            delivering.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await delivering

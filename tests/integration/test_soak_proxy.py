"""The soak's TCP proxy, between a client and a server that says everything back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from streamgate.demo.soak._proxy import Proxy


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1024):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def echoing() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


async def _said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes) -> bytes:
    writer.write(data)
    return await asyncio.wait_for(reader.readexactly(len(data)), 10)


async def test_what_is_sent_comes_through() -> None:
    """Bytes arrive unchanged and in order, more of them than a chunk holds."""
    data = bytes(range(256)) * 1024
    async with echoing() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await _said(reader, writer, data) == data
        writer.close()


async def test_a_cut_drops_what_is_open_and_what_comes() -> None:
    """Both sides see their connection end; a new one gets nothing until the cut is healed."""
    async with echoing() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await _said(reader, writer, b"before") == b"before"
        await proxy.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await _said(reader, writer, b"during")
        late, later = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await _said(late, later, b"during")
        proxy.heal()
        again, writes = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await _said(again, writes, b"after") == b"after"
        writes.close()


async def test_a_delay_holds_what_passes() -> None:
    """Both ways take at least the delay; healed, nothing waits any more, and the order is kept."""
    async with echoing() as proxy:
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.delay(0.1)
        began = loop.time()
        assert await _said(reader, writer, b"slow") == b"slow"
        assert loop.time() - began >= 0.2
        writer.write(b"late ")
        proxy.heal()
        assert await _said(reader, writer, b"soon") == b"late"
        assert await asyncio.wait_for(reader.readexactly(5), 10) == b" soon"
        writer.close()


async def test_a_server_that_is_gone_ends_the_connection() -> None:
    """Whoever connects while nothing listens behind the proxy is not left waiting."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with Proxy(port) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await _said(reader, writer, b"anybody")

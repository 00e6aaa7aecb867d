"""What a schema registry client does, for the fake and for the real one before a real HTTP server; and reading the Confluent wire format."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from aiohttp import BasicAuth, web

from streamgate.adapters.registry import ConfluentRegistry
from streamgate.client import Prompt
from streamgate.codec import Decoder, RegistryClient, SchemaSet, packaged_schemas
from streamgate.errors import Code, Unavailable, Unreadable
from tests.fakes.registry import FakeRegistry

SCHEMAS: Final = SchemaSet.load(packaged_schemas())
PROMPTS: Final = SCHEMAS.latest("prompts")
TEXT: Final = json.dumps(PROMPTS.definition)
OTHER: Final = json.dumps({"type": "record", "name": "Other", "fields": [{"name": "a", "type": "string"}]})
USER: Final = ("reader", "secret")


@asynccontextmanager
async def real(schemas: dict[int, str], *, status: int | None = None) -> AsyncIterator[RegistryClient]:
    """The real client before a server that speaks the Confluent REST API."""

    async def by_id(request: web.Request) -> web.Response:
        if request.headers.get("authorization") != BasicAuth(*USER).encode():
            return web.json_response({"error_code": 401}, status=401)
        if status is not None:
            return web.Response(status=status, text="<html>")
        text = schemas.get(int(request.match_info["id"]))
        return web.json_response({"error_code": 40403}, status=404) if text is None else web.json_response({"schema": text})

    app = web.Application()
    app.router.add_get("/ccompat/schemas/ids/{id}", by_id)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    client = ConfluentRegistry(f"http://127.0.0.1:{port}/ccompat/", auth=USER, timeout_seconds=5.0)
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


@asynccontextmanager
async def fake(schemas: dict[int, str]) -> AsyncIterator[RegistryClient]:
    """The fake."""
    yield FakeRegistry(schemas)


@pytest.mark.parametrize("kind", [real, fake], ids=["real", "fake"])
async def test_a_registered_schema_is_given_and_an_unknown_one_is_unreadable(kind: object) -> None:
    """An id gives its schema; one that does not exist is ``UNKNOWN_SCHEMA``."""
    async with kind({7: TEXT}) as registry:  # type: ignore[operator]  # both are context managers
        assert json.loads(await registry.schema_text(7)) == PROMPTS.definition
        with pytest.raises(Unreadable) as raised:
            await registry.schema_text(8)
        assert raised.value.code is Code.UNKNOWN_SCHEMA


@pytest.mark.parametrize("status", [500, 302, 200])
async def test_a_registry_that_does_not_answer_as_one_is_unavailable(status: int) -> None:
    """Errors, redirects and pages of something in between are not taken for a schema."""
    async with real({7: TEXT}, status=status) as registry:
        with pytest.raises(Unavailable):
            await registry.schema_text(7)


async def test_a_registry_that_is_not_there_is_unavailable() -> None:
    """No connection, no schema; the record waits."""
    client = ConfluentRegistry("http://127.0.0.1:9", timeout_seconds=1.0)
    with pytest.raises(Unavailable):
        await client.schema_text(1)
    await client.close()


async def test_the_confluent_wire_format_is_read_once_per_schema() -> None:
    """A record in the Confluent framing decodes like one in Avro's own, and its schema is asked for once."""
    registry = FakeRegistry({258: TEXT})
    decoder = Decoder(SCHEMAS, registry)
    record = Prompt(tenant="acme", subject="s", purpose="support", messages=[("user", "hi")]).record(1)
    data = b"\x00" + (258).to_bytes(4, "big") + PROMPTS.encode(record)
    for _ in range(3):
        assert (await decoder.decode("prompts", data)).record == record
    assert registry.asked == [258]


async def test_a_registered_schema_that_nobody_approved_is_refused() -> None:
    """The registry says what a schema is; only the lock says that it may be used."""
    decoder = Decoder(SCHEMAS, FakeRegistry({1: OTHER}))
    with pytest.raises(Unreadable) as raised:
        await decoder.decode("prompts", b"\x00\x00\x00\x00\x01\x02a")
    assert raised.value.code is Code.SCHEMA_NOT_APPROVED


async def test_without_a_registry_the_confluent_format_is_an_unknown_schema() -> None:
    """Nothing is guessed."""
    with pytest.raises(Unreadable) as raised:
        await Decoder(SCHEMAS, None).decode("prompts", b"\x00\x00\x00\x00\x01\x02a")
    assert raised.value.code is Code.UNKNOWN_SCHEMA

"""The real client of batches before a server that misbehaves: every failure has its reason, none holds a word of what was sent or said."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from streamgate.adapters.openai_batch import OpenAIBatch
from streamgate.provider import BatchStatus, CallFailed, ChatCall, ChatReply, Reason
from streamgate.types import MaskedMessage, MaskedText, Parameters
from tests.fakes.faulty_provider import REPLY_MARK, FaultyProvider, completion

CALL = ChatCall(bytes(16), "gpt-4o-mini", (MaskedMessage("user", MaskedText("CALLMARK")),), Parameters(), "sg-1")
NAME = "streamgate-00"


class Provider(FaultyProvider):
    """Takes files too, whose bodies are no JSON."""

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path_qs)
        self.bodies.append(await request.read())
        return await self.behaviour(request)

    bodies: list[bytes]


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A server that does as it is told."""
    made = Provider()
    made.bodies = []
    async with made:
        yield made


@pytest.fixture
async def model(provider: Provider) -> AsyncIterator[OpenAIBatch]:
    """The real client."""
    made = OpenAIBatch("key", provider.base_url, timeout_seconds=1.0, transfer_seconds=1.0, max_line_bytes=10_000, max_reply_bytes=20_000)
    yield made
    await made.close()


def line(custom_id: str, content: str = "said") -> bytes:
    """One line of an output file."""
    response = {"status_code": 200, "request_id": "req_1", "body": completion(content)}
    return json.dumps({"id": "b", "custom_id": custom_id, "response": response, "error": None}).encode()


async def read(model: OpenAIBatch) -> list[object]:
    return [line async for line in model.results("file-1")]


async def test_a_file_is_named_kept_for_three_days_and_holds_what_a_call_would(provider: Provider, model: OpenAIBatch) -> None:
    """Each line has the request's id, is not stored, and names the subject by a digest alone."""
    provider.behaviour = provider.document({"id": "file-1", "object": "file"})
    assert await model.upload(NAME, [CALL]) == "file-1"
    (body,) = provider.bodies
    assert f'filename="{NAME}.jsonl"'.encode() in body
    assert b"259200" in body
    sent = json.loads(next(part for part in body.splitlines() if part.startswith(b"{")))
    assert (sent["custom_id"], sent["method"], sent["url"]) == ("00" * 16, "POST", "/v1/chat/completions")
    assert (sent["body"]["store"], sent["body"]["safety_identifier"]) == (False, "sg-1")


async def test_a_batch_is_made_under_its_name(provider: Provider, model: OpenAIBatch) -> None:
    """Its results are given two days: they are made up to a day later, and all is gone after three."""
    provider.behaviour = provider.document({"id": "batch_1", "status": "validating"})
    assert (await model.create(NAME, "file-1")).status is BatchStatus.RUNNING
    asked = json.loads(provider.bodies[0])
    assert asked["metadata"] == {"streamgate": NAME}
    assert (asked["input_file_id"], asked["output_expires_after"]["seconds"]) == ("file-1", 172_800)


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (lambda it: it.error(429, "rate_limit_exceeded", {"retry-after": "2"}), Reason.RATE_LIMITED),
        (lambda it: it.error(429, "insufficient_quota"), Reason.QUOTA_SPENT),
        (lambda it: it.error(401, "invalid_api_key"), Reason.UNAUTHORISED),
        (lambda it: it.error(500), Reason.SERVER_ERROR),
        (lambda it: it.raw(b"", 302, {"location": "http://127.0.0.1:9/"}), Reason.REDIRECTED),
        (lambda it: it.raw(f"<html>{REPLY_MARK}".encode(), content_type="text/html"), Reason.NOT_JSON),
        (lambda it: it.document({"id": f"{REPLY_MARK} with blanks"}), Reason.WRONG_SHAPE),
        (lambda it: it.document([]), Reason.WRONG_SHAPE),
        (lambda it: it.oversize(50_000), Reason.OVERSIZE),
        (lambda it: it.reset, Reason.CONNECTION),
        (lambda it: it.drip, Reason.TIMEOUT),
        (lambda it: it.say_nothing, Reason.TIMEOUT),
    ],
)
async def test_every_failure_has_its_reason_and_no_text(
    behave: Callable[[Provider], Callable[[web.Request], Awaitable[web.StreamResponse]]],
    reason: Reason,
    provider: Provider,
    model: OpenAIBatch,
) -> None:
    """Of an upload and of a creation; one attempt each."""
    provider.behaviour = behave(provider)
    for ask in (lambda: model.upload(NAME, [CALL]), lambda: model.create(NAME, "file-1")):
        with pytest.raises(CallFailed) as caught:
            await ask()
        assert caught.value.reason is reason
        assert "MARK" not in f"{caught.value!r}{caught.value}"
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert len(provider.paths) == 2


async def test_a_result_is_read_line_by_line_and_no_line_is_long(provider: Provider, model: OpenAIBatch) -> None:
    """What is too long, broken or nobody's is none; the lines beside it are read."""
    lines = [line("00" * 16), b"x" * 50_000, b"{", line("nobody"), b"", line("11" * 16)]
    provider.behaviour = provider.raw(b"\r\n".join(lines))
    found = await read(model)
    assert [None if each is None else each.request_id for each in found] == [bytes(16), None, None, None, b"\x11" * 16]
    assert [each.outcome.text for each in found if each is not None and isinstance(each.outcome, ChatReply)] == ["said", "said"]


async def test_a_result_that_breaks_off_says_so_after_what_came(provider: Provider, model: OpenAIBatch) -> None:
    """The lines before are handed on."""

    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "100000"})
        await response.prepare(request)
        await response.write(line("00" * 16) + b"\n")
        assert request.transport is not None
        request.transport.close()
        return response

    provider.behaviour = broken
    lines = model.results("file-1")
    first = await anext(lines)
    assert first is not None
    assert first.request_id == bytes(16)
    with pytest.raises(CallFailed) as caught:
        await anext(lines)
    assert caught.value.retryable
    assert "said" not in repr(caught.value)


async def test_a_result_that_drips_ends(provider: Provider, model: OpenAIBatch) -> None:
    """Whoever sends a byte at a time does not hold a worker for ever."""
    provider.behaviour = provider.drip
    with pytest.raises(CallFailed) as caught:
        await read(model)
    assert caught.value.reason is Reason.TIMEOUT


async def test_a_listing_ends_where_it_is_too_old(provider: Provider, model: OpenAIBatch) -> None:
    """Pages beyond are not asked for."""
    listed = [{"id": f"batch_{at}", "status": "in_progress", "created_at": at, "metadata": {"streamgate": NAME}} for at in (50, 40, 30)]
    provider.behaviour = provider.document({"data": listed, "has_more": True})
    assert [each.batch_id for each in await model.find(NAME, 35_000)] == ["batch_50", "batch_40"]
    assert len(provider.paths) == 1

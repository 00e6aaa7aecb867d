"""The Files and Batches API of OpenAI, behind the port ``streamgate.provider.BatchModel``.

Over the same client as ``OpenAIChat``, with the same care: no retries of the SDK's, no redirects, no compression, bounded bodies, times in
wall-clock seconds, and nothing of a body in what is raised. Besides:

- each line asks for what ``OpenAIChat`` would ask for: ``store`` is false, the data subject is a keyed digest;
- every file is given a time after which a provider that heeds it deletes it by itself, should nobody ever come back to do it: three days
  after its batch was made at the latest;
- a result is read line by line; a line that is longer than a reply may be is skipped without being held.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, Literal, TypeVar

import httpx2
import openai

from streamgate.adapters._lines import Lines
from streamgate.adapters.openai_chat import OpenAIChat, _BoundedStream, _Encoded, _lower, _reason
from streamgate.provider import (
    BatchLine,
    CallFailed,
    ChatCall,
    ProviderBatch,
    Reason,
    classify,
    error_codes,
    failed,
    identifier,
    read_batch,
    read_line,
    retry_after_seconds,
)

KEPT_SECONDS: Final = 259_200
"""Three days, as the privacy notice says: of an input file, from its upload on."""
OUTPUT_KEPT_SECONDS: Final = 172_800
"""Two days: an output file is made up to a day after its batch, and counts from then."""
_NAME: Final = "streamgate"
"""Key of the metadata that holds a batch's name."""
_FILES_A_PAGE: Final = 1_000
_BATCHES_A_PAGE: Final = 100
_MOST_PAGES: Final = 1_000
_GONE: Final = frozenset({Reason.NOT_FOUND})
_ENDED: Final = frozenset({Reason.NOT_FOUND, Reason.CONFLICT, Reason.REJECTED})

T = TypeVar("T")
_Call = Callable[[httpx2.Timeout], Awaitable[Any]]


class OpenAIBatch(OpenAIChat):
    """One endpoint and its credentials. Implements ``BatchModel``."""

    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        *,
        timeout_seconds: float = 60.0,
        transfer_seconds: float = 300.0,
        max_line_bytes: int = 1_600_000,
        max_result_bytes: int = 2_000_000_000,
        **chat: Any,
    ) -> None:
        """Nothing is connected yet. ``transfer_seconds`` bounds the time that a file may take; ``chat`` is what ``OpenAIChat`` takes."""
        super().__init__(api_key, base_url, **chat)
        self._timeout_seconds = timeout_seconds
        self._transfer_seconds = transfer_seconds
        self._max_line_bytes = max_line_bytes
        self._max_result_bytes = max_result_bytes

    def __repr__(self) -> str:
        """Show where it leads, no credentials."""
        return f"OpenAIBatch({self._client.base_url.host})"

    async def upload(self, name: str, calls: Sequence[ChatCall]) -> str:
        """See the port."""
        lines = b"".join(json.dumps(self._line(call), ensure_ascii=False).encode() + b"\n" for call in calls)
        file = (f"{name}.jsonl", lines, "application/jsonl")
        kept: Any = {"anchor": "created_at", "seconds": KEPT_SECONDS}
        create = self._client.files.with_raw_response.create
        document = await self._ask(lambda t: create(file=file, purpose="batch", expires_after=kept, timeout=t), self._transfer_seconds)
        return _known(identifier(document))

    async def create(self, name: str, file_id: str) -> ProviderBatch:
        """See the port."""
        create = self._client.batches.with_raw_response.create
        endpoint: Literal["/v1/chat/completions"] = "/v1/chat/completions"
        document = await self._ask(
            lambda t: create(
                completion_window="24h",
                endpoint=endpoint,
                input_file_id=file_id,
                metadata={_NAME: name},
                output_expires_after={"anchor": "created_at", "seconds": OUTPUT_KEPT_SECONDS},
                timeout=t,
            )
        )
        return _known(read_batch(document))

    async def find(self, name: str, since_ms: int) -> tuple[ProviderBatch, ...]:
        """See the port. The provider lists the newest first; pages are read until one begins before ``since_ms``."""
        listing = self._client.batches.with_raw_response.list
        found: list[ProviderBatch] = []
        async for each in self._each(lambda t, after: listing(limit=_BATCHES_A_PAGE, timeout=t, **after)):
            created = each.get("created_at")
            if isinstance(created, int) and created * 1000 < since_ms:
                break
            metadata = each.get("metadata")
            if isinstance(metadata, dict) and metadata.get(_NAME) == name:
                found.append(_known(read_batch(each)))
        return tuple(found)

    async def files(self, name: str) -> tuple[str, ...]:
        """See the port."""
        listing = self._client.files.with_raw_response.list
        pages = self._each(lambda t, after: listing(purpose="batch", order="desc", limit=_FILES_A_PAGE, timeout=t, **after))
        return tuple([_known(identifier(each)) async for each in pages if each.get("filename") == f"{name}.jsonl"])

    async def look(self, batch_id: str) -> ProviderBatch | None:
        """See the port."""
        retrieve = self._client.batches.with_raw_response.retrieve
        document = await self._ask(lambda t: retrieve(batch_id, timeout=t), fine=_GONE)
        return None if document is None else _known(read_batch(document))

    async def cancel(self, batch_id: str) -> None:
        """See the port."""
        await self._ask(lambda t: self._client.batches.with_raw_response.cancel(batch_id, timeout=t), fine=_ENDED)

    async def delete(self, file_id: str) -> None:
        """See the port."""
        await self._ask(lambda t: self._client.files.with_raw_response.delete(file_id, timeout=t), fine=_GONE)

    async def results(self, file_id: str) -> AsyncIterator[BatchLine | None]:
        """See the port."""
        lines, left, loop = Lines(self._max_line_bytes), self._transfer_seconds, asyncio.get_running_loop()
        chunks = self._chunks(file_id)
        try:
            while True:
                began = loop.time()
                chunk = await self._next(chunks, left)
                left -= loop.time() - began
                if isinstance(chunk, CallFailed):
                    raise chunk
                for line in lines.feed(chunk):
                    yield None if line is None else read_line(line, "")
                if chunk is None:
                    return
        finally:
            await chunks.aclose()

    # Inside.

    def _line(self, call: ChatCall) -> dict[str, Any]:
        return {"custom_id": call.request_id.hex(), "method": "POST", "url": "/v1/chat/completions", "body": self._parameters(call)}

    async def _each(self, page: Callable[..., Awaitable[Any]]) -> AsyncIterator[dict[str, Any]]:
        """The objects of a listing, page by page."""
        after: dict[str, Any] = {}
        for _ in range(_MOST_PAGES):
            document = await self._ask(partial(page, after=after))
            listed = document.get("data") if isinstance(document, dict) else None
            if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
                raise failed(Reason.WRONG_SHAPE)
            for each in listed:
                yield each
            if not listed or document.get("has_more") is not True:
                return
            after = {"after": _known(identifier(listed[-1]))}
        raise failed(Reason.OVERSIZE)  # what was not looked at may be what is looked for

    async def _ask(self, call: _Call, seconds: float | None = None, fine: frozenset[Reason] = frozenset()) -> Any:
        """The JSON of a reply; ``None`` where it failed for a reason that is ``fine``."""
        outcome = await self._tried(call, self._timeout_seconds if seconds is None else seconds)
        if isinstance(outcome, CallFailed):
            # Raised here and not in an ``except`` block: there the SDK's exception, which holds both bodies, would become its context.
            if outcome.reason in fine:
                return None
            raise outcome
        return outcome

    async def _tried(self, call: _Call, seconds: float) -> Any:
        try:
            async with asyncio.timeout(seconds):
                raw = await call(self._times(seconds))
        except openai.APIStatusError as error:
            return self._refused(error.response)
        except Exception as error:  # noqa: BLE001  whatever else the SDK raises may quote a body, and must not travel on
            return failed(_reason(error))
        try:
            return json.loads(raw.http_response.content)
        except (ValueError, RecursionError):
            return failed(Reason.NOT_JSON)

    async def _next(self, chunks: AsyncIterator[bytes], seconds: float) -> bytes | CallFailed | None:
        """The next piece of a file; ``None`` at its end."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                return await anext(chunks)
        except StopAsyncIteration:
            return None
        except openai.APIStatusError as error:
            return self._refused(error.response)
        except httpx2.TimeoutException:
            return failed(Reason.TIMEOUT)
        except httpx2.TransportError:  # while a body is read the SDK does not translate
            return failed(Reason.CONNECTION)
        except Exception as error:  # noqa: BLE001  see above
            return failed(_reason(error))

    async def _chunks(self, file_id: str) -> Any:
        content = self._client.files.with_streaming_response.content
        async with content(file_id, timeout=self._times(self._timeout_seconds)) as response:
            async for chunk in response.iter_bytes():
                yield chunk

    def _refused(self, response: httpx2.Response) -> CallFailed:
        wait = retry_after_seconds(_lower(response), self._wall_seconds())
        return failed(classify(response.status_code, error_codes(response.content)), retry_after_seconds=wait)

    def _times(self, seconds: float) -> httpx2.Timeout:
        return httpx2.Timeout(seconds, connect=min(seconds, self._connect_timeout_seconds))

    async def _bound(self, response: httpx2.Response) -> None:
        if response.is_success and response.request.url.path.endswith("/content"):
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise _Encoded
            if isinstance(response.stream, httpx2.AsyncByteStream):
                response.stream = _BoundedStream(response.stream, self._max_result_bytes)
            return
        await super()._bound(response)


def _known(value: T | None) -> T:
    if value is None:
        raise failed(Reason.WRONG_SHAPE)
    return value

"""Files and batches of the simulated provider: the endpoints that OpenAI's Batch API has, in memory."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

Complete = Callable[[Any], tuple[int, dict[str, Any]]]
"""Status and body of one chat completion."""
Handler = Callable[[web.Request], Awaitable[web.Response]]
_PAGE: Final = 20
_FINAL: Final = frozenset({"completed", "failed", "expired", "cancelled"})
_ERROR_LINE: Final = {"code": "batch_expired", "message": "not run"}


@dataclass(slots=True, repr=False)
class StoredFile:
    """One file."""

    name: str
    purpose: str
    data: bytes
    created_at: int


@dataclass(repr=False)
class Desk:
    """Takes files, answers batches of them. A batch ends when it has been looked at ``looks`` times."""

    complete: Complete
    looks: int = 1
    ending: str = "completed"
    """How a batch ends: completed, failed, expired or cancelled."""
    written: Callable[[list[Any]], list[Any]] = lambda lines: lines
    """What becomes of the lines of an output file; one of bytes is written as it is."""
    files: dict[str, StoredFile] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    received: list[bytes] = field(default_factory=list)
    """Every file that was ever uploaded."""
    deleted: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    """The id of every request, as often as it was answered: what would be paid."""
    failures: deque[int] = field(default_factory=deque)
    """Statuses with which the next requests are answered instead."""
    _looked: dict[str, int] = field(default_factory=dict)
    _made: int = 0

    def routes(self) -> list[web.RouteDef]:
        """What to serve."""
        return [
            web.post("/v1/files", self._or_fail(self.upload)),
            web.get("/v1/files", self._or_fail(self.list_files)),
            web.get("/v1/files/{id}/content", self._or_fail(self.content)),
            web.delete("/v1/files/{id}", self._or_fail(self.delete)),
            web.post("/v1/batches", self._or_fail(self.create)),
            web.get("/v1/batches", self._or_fail(self.list_batches)),
            web.get("/v1/batches/{id}", self._or_fail(self.look)),
            web.post("/v1/batches/{id}/cancel", self._or_fail(self.cancel)),
        ]

    def fail_next(self, status: int, times: int = 1) -> None:
        """Answer the next ``times`` requests with an error instead."""
        self.failures.extend([status] * times)

    def _or_fail(self, handle: Handler) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            if self.failures:
                await request.read()
                return _error(self.failures.popleft(), None)
            return await handle(request)

        return answer

    def store(self, name: str, purpose: str, data: bytes) -> str:
        """A new file's id."""
        self._made += 1
        file_id = f"file-simulated{self._made}"
        self.files[file_id] = StoredFile(name, purpose, data, int(time.time()))
        return file_id

    async def upload(self, request: web.Request) -> web.Response:
        """Take a file."""
        form = await request.post()
        file = form["file"]
        if not isinstance(file, web.FileField):
            return _error(400, "invalid_request_error")
        data = file.file.read()
        self.received.append(data)
        return web.json_response(self._file(self.store(file.filename, str(form["purpose"]), data)))

    async def list_files(self, request: web.Request) -> web.Response:
        """A page of files, the newest first."""
        wanted = [self._file(each) for each, file in self.files.items() if file.purpose == request.query.get("purpose", file.purpose)]
        return _page(wanted[::-1], request.query)

    async def content(self, request: web.Request) -> web.Response:
        """What a file holds."""
        file = self.files.get(request.match_info["id"])
        return _error(404, None) if file is None else web.Response(body=file.data)

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a file."""
        file_id = request.match_info["id"]
        if self.files.pop(file_id, None) is None:
            return _error(404, None)
        self.deleted.append(file_id)
        return web.json_response({"id": file_id, "object": "file", "deleted": True})

    async def create(self, request: web.Request) -> web.Response:
        """Begin a batch."""
        asked = await request.json()
        self._made += 1
        batch_id = f"batch_simulated{self._made}"
        self.batches[batch_id] = {
            "id": batch_id,
            "object": "batch",
            "endpoint": asked["endpoint"],
            "completion_window": asked["completion_window"],
            "input_file_id": asked["input_file_id"],
            "status": "validating",
            "metadata": asked.get("metadata"),
            "created_at": int(time.time()),
            "output_file_id": None,
            "error_file_id": None,
        }
        if asked["input_file_id"] not in self.files:
            self.end(batch_id, "failed")
        return web.json_response(self.batches[batch_id])

    async def list_batches(self, request: web.Request) -> web.Response:
        """A page of batches, the newest first."""
        return _page(list(self.batches.values())[::-1], request.query)

    async def look(self, request: web.Request) -> web.Response:
        """How far a batch is; the last look ends it."""
        batch_id = request.match_info["id"]
        if batch_id not in self.batches:
            return _error(404, None)
        self._looked[batch_id] = self._looked.get(batch_id, 0) + 1
        if self._looked[batch_id] > self.looks:
            self.end(batch_id, self.ending)
        return web.json_response(self.batches[batch_id])

    async def cancel(self, request: web.Request) -> web.Response:
        """Stop a batch."""
        batch_id = request.match_info["id"]
        if batch_id not in self.batches:
            return _error(404, None)
        self.end(batch_id, "cancelled")
        return web.json_response(self.batches[batch_id])

    def _answers(self, lines: list[Any]) -> tuple[list[Any], list[Any]]:
        """Lines of the output file, and of the error file."""
        self.ran += [line["custom_id"] for line in lines]
        answered = [(line, *self.complete(line["body"])) for line in lines]
        made = [
            {
                "id": f"batch_req_{number}",
                "custom_id": line["custom_id"],
                "response": {"status_code": status, "request_id": f"req_simulated_{number}", "body": body},
                "error": None,
            }
            for number, (line, status, body) in enumerate(answered)
        ]
        right = [line["response"]["status_code"] < 400 for line in made]  # noqa: PLR2004  HTTP
        output = self.written([line for line, good in zip(made, right, strict=True) if good])
        return output, [line for line, good in zip(made, right, strict=True) if not good]

    def end(self, batch_id: str, status: str) -> None:
        """End a batch; one that has ended stays as it is."""
        batch = self.batches[batch_id]
        if batch["status"] in _FINAL:
            return
        batch["status"] = status if batch["input_file_id"] in self.files else "failed"
        if batch["status"] == "failed":
            return
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].data.splitlines()]
        output, errors = self._answers(lines) if status == "completed" else ([], [_not_run(line) for line in lines])
        for name, made in (("output_file_id", output), ("error_file_id", errors)):
            if made:
                batch[name] = self.store(f"{batch_id}_{name}.jsonl", "batch_output", _jsonl(made))

    def _file(self, file_id: str) -> dict[str, Any]:
        file = self.files[file_id]
        return {
            "id": file_id,
            "object": "file",
            "bytes": len(file.data),
            "created_at": file.created_at,
            "filename": file.name,
            "purpose": file.purpose,
            "status": "processed",
        }


def _jsonl(lines: list[Any]) -> bytes:
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


def _not_run(line: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": "batch_req", "custom_id": line["custom_id"], "response": None, "error": _ERROR_LINE}


def _page(listed: list[dict[str, Any]], query: Mapping[str, str]) -> web.Response:
    after = query.get("after")
    begin = next((number for number, each in enumerate(listed, 1) if each["id"] == after), 0)
    end = begin + min(_PAGE, int(query.get("limit", _PAGE)))
    return web.json_response({"object": "list", "data": listed[begin:end], "has_more": end < len(listed)})


def _error(status: int, code: str | None) -> web.Response:
    return web.json_response({"error": {"message": "simulated failure", "type": "simulated", "code": code, "param": None}}, status=status)

"""The table: what a provider may do, and what comes of it. Each row is shown by ``test_behaviours.py``, over HTTP and through the real SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from streamgate.errors import Code
from streamgate.provider import Reason
from tests.fakes.faulty_provider import REPLY_MARK, Behaviour, FaultyProvider, completion
from tests.fakes.openai_bench import NOW

Make = Callable[[FaultyProvider], Behaviour]


@dataclass(frozen=True)
class Row:
    """One behaviour."""

    name: str
    make: Make
    reason: Reason
    code: Code
    again: bool
    """Whether the call is made again."""
    pause: float = 0.0
    """Seconds for which the model is left alone after one such failure."""
    outage: bool = False
    """Whether it counts towards opening the breaker."""
    timeout_seconds: float = 10.0

    @property
    def hangs(self) -> bool:
        """Whether only the timeout ends it; on a slow machine perhaps before the server has seen the call."""
        return self.timeout_seconds < 1.0


def _says(status: int, code: str | None = None, headers: dict[str, str] | None = None, kind: str = "some_error") -> Make:
    return lambda provider: provider.error(status, code, headers, kind=kind)


def _body(body: bytes, status: int = 200, content_type: str = "application/json") -> Make:
    return lambda provider: provider.raw(body, status, content_type=content_type)


def _choice(**fields: Any) -> dict[str, Any]:
    document = completion()
    document["choices"][0].update(fields)
    return document


def _limited(name: str, pause: float, code: str | None, headers: dict[str, str] | None = None, kind: str = "requests") -> Row:
    return Row(f"429 {name}", _says(429, code, headers, kind), Reason.RATE_LIMITED, Code.PROVIDER_FAILED, again=True, pause=pause)


def _final(name: str, make: Make, reason: Reason, code: Code) -> Row:
    return Row(name, make, reason, code, again=False)


def _down(name: str, make: Make, reason: Reason, *, pause: float = 0.0, timeout_seconds: float = 10.0) -> Row:
    return Row(name, make, reason, Code.PROVIDER_FAILED, True, pause, outage=True, timeout_seconds=timeout_seconds)


def _hangs(name: str, make: Make) -> Row:
    return _down(name, make, Reason.TIMEOUT, timeout_seconds=0.3)


def _garbled(name: str, body: bytes, content_type: str = "application/json") -> Row:
    return Row(name, _body(body, content_type=content_type), Reason.NOT_JSON, Code.PROVIDER_INVALID_REPLY, again=True)


def _shape(name: str, document: Any) -> Row:
    return _final(name, _body(json.dumps(document).encode()), Reason.WRONG_SHAPE, Code.PROVIDER_INVALID_REPLY)


_HTML = f"<html>{REPLY_MARK}</html>".encode()
_LATER = {"date": formatdate(NOW, usegmt=True), "retry-after": formatdate(NOW + 40, usegmt=True)}

LIMITS = [
    _limited("without a word", 1.0, None),
    _limited("requests", 1.0, "rate_limit_exceeded"),
    _limited("tokens", 1.0, "rate_limit_exceeded", kind="tokens"),
    _limited("slow_down", 1.0, "slow_down"),
    _limited("a code nobody knows", 1.0, "something_new"),
    _limited("retry-after in seconds", 7.0, "rate_limit_exceeded", {"retry-after": "7"}),
    _limited("retry-after in milliseconds", 1.5, "rate_limit_exceeded", {"retry-after-ms": "1500", "retry-after": "2"}),
    _limited("retry-after a date", 40.0, "rate_limit_exceeded", _LATER),
    _limited("retry-after a date, by our clock", 40.0, None, {"retry-after": formatdate(NOW + 40, usegmt=True), "date": "?"}),
    _limited("retry-after longer than a minute", 60.0, None, {"retry-after": "300"}),
    _limited("retry-after that cannot be read", 1.0, None, {"retry-after": f"soon {REPLY_MARK}"}),
    _final("429 insufficient_quota", _says(429, "insufficient_quota", {"retry-after": "1"}), Reason.QUOTA_SPENT, Code.PROVIDER_QUOTA_SPENT),
    _final("429 insufficient_quota as type", _says(429, None, kind="insufficient_quota"), Reason.QUOTA_SPENT, Code.PROVIDER_QUOTA_SPENT),
    _final("429 credit_balance_exhausted", _says(429, "credit_balance_exhausted"), Reason.QUOTA_SPENT, Code.PROVIDER_QUOTA_SPENT),
    _final("402", _says(402), Reason.QUOTA_SPENT, Code.PROVIDER_QUOTA_SPENT),
    Row("429 not again", _says(429, None, {"x-should-retry": "false"}), Reason.RATE_LIMITED, Code.PROVIDER_FAILED, again=False, pause=1.0),
]

STATUSES = [
    _down("500", _says(500), Reason.SERVER_ERROR),
    _down("500, html", _body(_HTML, 500, "text/html"), Reason.SERVER_ERROR),
    Row("500 not again", _says(500, None, {"x-should-retry": "false"}), Reason.SERVER_ERROR, Code.PROVIDER_FAILED, False, outage=True),
    _down("502, html", _body(_HTML, 502, "text/html"), Reason.SERVER_ERROR),
    _down("503 overloaded", _says(503, "server_is_overloaded"), Reason.OVERLOADED),
    _down("503 retry-after", _says(503, None, {"retry-after": "3"}), Reason.OVERLOADED, pause=3.0),
    Row("503 slow_down", _says(503, "slow_down"), Reason.RATE_LIMITED, Code.PROVIDER_FAILED, again=True, pause=1.0),
    _down("504", _says(504), Reason.TIMEOUT),
    _down("529", _says(529), Reason.OVERLOADED),
    _down("599", _says(599), Reason.SERVER_ERROR),
    _down("408", _says(408), Reason.TIMEOUT),
    Row("409", _says(409), Reason.CONFLICT, Code.PROVIDER_FAILED, again=True),
    _final("400", _says(400), Reason.REJECTED, Code.PROVIDER_FAILED),
    _final("400 content_filter", _says(400, "content_filter"), Reason.CONTENT_FILTERED, Code.PROVIDER_REFUSED),
    _final("400 content_policy_violation", _says(400, "content_policy_violation"), Reason.CONTENT_FILTERED, Code.PROVIDER_REFUSED),
    _final("400 invalid_prompt", _says(400, "invalid_prompt"), Reason.CONTENT_FILTERED, Code.PROVIDER_REFUSED),
    _final("400 context_length_exceeded", _says(400, "context_length_exceeded"), Reason.CONTEXT_TOO_LONG, Code.CONTEXT_TOO_LONG),
    _final("413", _body(_HTML, 413, "text/html"), Reason.CONTEXT_TOO_LONG, Code.CONTEXT_TOO_LONG),
    _final("401 invalid_api_key", _says(401, "invalid_api_key"), Reason.UNAUTHORISED, Code.PROVIDER_UNAUTHORISED),
    _final("401, no json", _body(_HTML, 401, "text/html"), Reason.UNAUTHORISED, Code.PROVIDER_UNAUTHORISED),
    _final("403", _says(403), Reason.UNAUTHORISED, Code.PROVIDER_UNAUTHORISED),
    _final("404 model_not_found", _says(404, "model_not_found"), Reason.NOT_FOUND, Code.PROVIDER_FAILED),
    _final("418", _says(418), Reason.REJECTED, Code.PROVIDER_FAILED),
    _final("422", _says(422), Reason.REJECTED, Code.PROVIDER_FAILED),
    *(
        _final(
            f"{status}",
            lambda provider, status=status: provider.raw(_HTML, status, {"location": f"{provider.base_url}/elsewhere"}),  # type: ignore[misc]
            Reason.REDIRECTED,
            Code.PROVIDER_INVALID_REPLY,
        )
        for status in (301, 302, 303, 307, 308)
    ),
]

CONNECTIONS = [
    _hangs("no headers", lambda provider: provider.say_nothing),
    _hangs("no first byte", lambda provider: provider.headers_only),
    _hangs("half a body", lambda provider: provider.half_a_body),
    _hangs("one byte at a time", lambda provider: provider.drip),
    _down("reset before the headers", lambda provider: provider.reset, Reason.CONNECTION),
    _down("reset in the body", lambda provider: provider.reset_in_body, Reason.CONNECTION),
    _down("no http", lambda provider: provider.bytes_on_the_wire(f"{REPLY_MARK}\r\n\r\n".encode()), Reason.CONNECTION),
    _down(
        "a header that is none",
        lambda provider: provider.bytes_on_the_wire(f"HTTP/1.1 200 OK\r\n{REPLY_MARK}\r\n\r\n".encode()),
        Reason.CONNECTION,
    ),
    _final("oversize", lambda provider: provider.oversize(2_000_000), Reason.OVERSIZE, Code.PROVIDER_INVALID_REPLY),
    _final("oversize error", lambda provider: provider.oversize(2_000_000, 500), Reason.OVERSIZE, Code.PROVIDER_INVALID_REPLY),
    _final(
        "compressed",
        lambda provider: provider.raw(b"\x1f\x8b" + bytes(50), headers={"content-encoding": "gzip"}),
        Reason.WRONG_SHAPE,
        Code.PROVIDER_INVALID_REPLY,
    ),
]

REPLIES = [
    _garbled("truncated json", json.dumps(completion()).encode()[:-20]),
    _garbled("html with 200", _HTML, "text/html"),
    _garbled("html that says it is json", _HTML),
    _garbled("nothing", b""),
    _garbled("not utf-8", b'{"choices": "\xff\xfe' + REPLY_MARK.encode() + b'"}'),
    _garbled("nested without end", b"[" * 90_000),
    _garbled("a number without end", b"9" * 90_000),
    _shape("an empty object", {}),
    _shape("null", None),
    _shape("a string", REPLY_MARK),
    _shape("no choices", {name: value for name, value in completion().items() if name != "choices"}),
    _shape("empty choices", completion() | {"choices": []}),
    _shape("choices that are text", completion() | {"choices": REPLY_MARK}),
    _shape("a choice that is null", completion() | {"choices": [None]}),
    _shape("a message that is text", _choice(message=REPLY_MARK)),
    _shape("no content", completion(None)),
    _shape("content in parts", completion([{"type": "text", "text": REPLY_MARK}])),
    _shape("a lone surrogate", completion("\ud800" + REPLY_MARK)),
    _shape("a finish reason that is prose", _choice(finish_reason=f"because {REPLY_MARK}")),
    _shape("an error with 200", {"error": {"message": REPLY_MARK}}),
    _final(
        "finish reason content_filter",
        _body(json.dumps(_choice(finish_reason="content_filter")).encode()),
        Reason.CONTENT_FILTERED,
        Code.PROVIDER_REFUSED,
    ),
    _final(
        "a refusal",
        _body(json.dumps(completion(None, refusal=f"I will not: {REPLY_MARK}")).encode()),
        Reason.REFUSED,
        Code.PROVIDER_REFUSED,
    ),
]

ROWS = [*LIMITS, *STATUSES, *CONNECTIONS, *REPLIES]

"""Reads the body of a reply (OpenAI's chat completion object), or says why it cannot be used. Pure; nothing of it is quoted."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from streamgate.provider._call import ChatReply, RateHeaders
from streamgate.provider._failure import Reason
from streamgate.types import Usage

_FINISH_REASON: Final = re.compile(r"[a-z_]{1,32}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9._:/-]{1,128}", re.ASCII)
"""Without ``@``: an e-mail address is no name, and both pass into responses and the audit log."""
_ERROR_CODE: Final = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)
_MOST_TOKENS: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class InvalidReply:
    """A reply that cannot be used."""

    reason: Reason
    usage: Usage | None = None
    """What it says was used: it is billed all the same."""


def read_reply(body: bytes, asked_model: str, request_id: str | None, limits: RateHeaders | None) -> ChatReply | InvalidReply:
    """The first choice of a chat completion.

    A name that does not look like one (model, request id) is left out rather than passed on: what the provider writes is not trusted.
    """
    document = _parse(body)
    if document is _NOTHING:
        return InvalidReply(Reason.NOT_JSON)
    used = _usage(document.get("usage")) if isinstance(document, dict) else None
    choices = document.get("choices") if isinstance(document, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict) or not isinstance(document, dict):
        return InvalidReply(Reason.WRONG_SHAPE, used)
    finish = choice.get("finish_reason")
    if finish == "content_filter":
        return InvalidReply(Reason.CONTENT_FILTERED, used)
    if message.get("refusal"):
        return InvalidReply(Reason.REFUSED, used)
    text = message.get("content")
    if not isinstance(text, str) or not _encodable(text) or _name(finish, _FINISH_REASON) != finish:
        return InvalidReply(Reason.WRONG_SHAPE, used)
    return ChatReply(
        text=text,
        finish_reason=finish,
        model=_name(document.get("model"), _NAME) or asked_model,
        usage=used,
        provider_request_id=_name(request_id, _NAME),
        limits=limits,
    )


def error_codes(body: bytes) -> tuple[str, ...]:
    """``error.code`` and ``error.type`` of an error body, where they look like codes; for :func:`classify` only."""
    document = _parse(body)
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return ()
    return tuple(value for value in (error.get("code"), error.get("type")) if isinstance(value, str) and _ERROR_CODE.fullmatch(value))


_NOTHING: Final = object()


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _NOTHING


def _name(value: object, form: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and form.fullmatch(value) else None


def _encodable(text: str) -> bool:
    """JSON may escape lone surrogates, which no UTF-8 text can hold (RFC 8259 §8.2)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _usage(value: object) -> Usage | None:
    """The counts, or ``None`` where one is missing or absurd: they are of use, not needed."""
    if not isinstance(value, dict):
        return None
    counts = (value.get("prompt_tokens"), value.get("completion_tokens"))
    prompt, completion = (count if isinstance(count, int) and not isinstance(count, bool) else -1 for count in counts)
    if not (0 <= prompt <= _MOST_TOKENS and 0 <= completion <= _MOST_TOKENS):
        return None
    return Usage(prompt, completion)

"""Reads what the provider says about batches. Pure; nothing of it is quoted, and what does not look like an identifier is none."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from streamgate.provider._batch import BatchLine, BatchStatus, ProviderBatch
from streamgate.provider._call import ChatReply
from streamgate.provider._classify import classify
from streamgate.provider._failure import Reason
from streamgate.provider._reply import InvalidReply, error_codes, read_reply

_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_REQUEST_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_OK: Final = 200
_STATUS: Final = {
    "completed": BatchStatus.COMPLETED,
    "failed": BatchStatus.REJECTED,
    "expired": BatchStatus.EXPIRED,
    "cancelled": BatchStatus.CANCELLED,
}
_QUEUE_FULL: Final = frozenset({"token_limit_exceeded", "request_limit_exceeded", "rate_limit_exceeded"})


def identifier(document: object, name: str = "id") -> str | None:
    """A field that is an identifier of the provider's, or ``None``."""
    value = document.get(name) if isinstance(document, dict) else None
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else None


def read_batch(document: object) -> ProviderBatch | None:
    """A batch object; ``None`` for anything else. A status that is not known counts as running: it is asked for again."""
    batch_id = identifier(document)
    if batch_id is None or not isinstance(document, dict) or not isinstance(document.get("status"), str):
        return None
    status = _STATUS.get(document["status"], BatchStatus.RUNNING)
    if status is BatchStatus.REJECTED and _QUEUE_FULL & _codes(document.get("errors")):
        status = BatchStatus.BUSY
    return ProviderBatch(batch_id, status, identifier(document, "output_file_id"), identifier(document, "error_file_id"))


def read_line(line: bytes, asked_model: str) -> BatchLine | None:
    """One line of an output or error file; ``None`` where it does not say whose it is."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    custom_id = document.get("custom_id") if isinstance(document, dict) else None
    if not isinstance(custom_id, str) or not _REQUEST_ID.fullmatch(custom_id):
        return None
    return BatchLine(bytes.fromhex(custom_id), _outcome(document, asked_model))


def _outcome(document: dict[str, Any], asked_model: str) -> ChatReply | Reason:
    response = document.get("response")
    if not isinstance(response, dict):
        # Without a response it was not run: expired, cancelled, or failed inside. An error is what an error file is for.
        return Reason.SERVER_ERROR if isinstance(document.get("error"), dict) else Reason.WRONG_SHAPE
    status, body = response.get("status_code"), json.dumps(response.get("body")).encode()
    if not isinstance(status, int) or isinstance(status, bool):
        return Reason.WRONG_SHAPE
    if status != _OK:
        return classify(status, error_codes(body))
    request_id = response.get("request_id")
    reply = read_reply(body, asked_model, request_id if isinstance(request_id, str) else None, None)
    return reply.reason if isinstance(reply, InvalidReply) else reply


def _codes(errors: object) -> set[str]:
    listed = errors.get("data") if isinstance(errors, dict) else None
    found = (each.get("code") for each in (listed if isinstance(listed, list) else ()) if isinstance(each, dict))
    return {code for code in found if isinstance(code, str)}

"""The grammar of single settings: what an address, a topic prefix, a URL or a public key looks like. No message holds the value."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

PUBLIC_KEY_BYTES: Final = 32
_ADDRESS: Final = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}")
_PREFIX: Final = re.compile(r"[A-Za-z0-9._-]{0,100}")


def _addresses(value: str) -> str:
    if not all(_ADDRESS.fullmatch(address) for address in value.split(",")):
        raise ValueError("not a list of addresses; write host:port, separated by commas, without blanks")
    return value


def _prefix(value: str) -> str:
    if not _PREFIX.fullmatch(value):
        raise ValueError("not valid in a topic name; write letters, digits, '.', '_' and '-' only, at most 100")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
        credentials = parts.username is not None or parts.password is not None
    except ValueError:
        valid, credentials = False, False
    if not valid:
        raise ValueError("not a URL; write http:// or https:// and a host")
    if credentials or parts.query:
        raise ValueError("holds credentials or a query; write the bare URL, and credentials in the settings made for them")
    return value


def _public_key(value: str) -> str:
    try:
        valid = len(base64.b64decode(value, validate=True)) == PUBLIC_KEY_BYTES
    except (binascii.Error, ValueError):
        valid = False
    if not valid:
        raise ValueError("not an X25519 public key; write its 32 bytes in base64")
    return value


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise ValueError("not JSON; in the environment write one JSON object") from None


Addresses = Annotated[str, AfterValidator(_addresses)]
Prefix = Annotated[str, AfterValidator(_prefix)]
Url = Annotated[str, AfterValidator(_url)]
PublicKey = Annotated[str, AfterValidator(_public_key)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Json = BeforeValidator(_json)

"""The grammar of single settings: what an address, a topic prefix, a URL or a public key looks like. No message holds the value."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

PUBLIC_KEY_BYTES: Final = 32
_ADDRESS: Final = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}")
_INSIDE: Final = re.compile(r"[a-z][a-z0-9_-]*|[a-z0-9_.-]+\.(svc|local|internal|localhost)", re.ASCII)
"""A name alone begins with a letter: resolvers take ``134744072`` and ``0x8080808`` for addresses."""
_PRIVATE: Final = tuple(ipaddress.ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
"""Of RFC 1918 and 4193; not ``is_private``, which holds of other addresses too."""
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


def _provider_url(value: str) -> str:
    parts = urlsplit(_url(value))
    if parts.scheme == "http" and not _inside(parts.hostname or ""):
        raise ValueError("prompts would cross a network in the clear; write https:// (http:// is for hosts inside yours only)")
    return value


def _inside(host: str) -> bool:
    """Whether a host is of this machine, cluster or private network, by what it is called."""
    name = host.removesuffix(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return _INSIDE.fullmatch(name) is not None
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or any(address in network for network in _PRIVATE)


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
ProviderUrl = Annotated[str, AfterValidator(_provider_url)]
PublicKey = Annotated[str, AfterValidator(_public_key)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Json = BeforeValidator(_json)

"""Tokens: ``[PERSON_k7q2fa9c]`` and, for another form of the same value, ``[PERSON_k7q2fa9c_m3xd]``.

A token depends on the keys, the type and the value and on nothing else, so it is the same in every request of one subject and purpose.
Since a token holds no second bracket, no text around it can change where it begins or ends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from streamgate.vault._entities import ENTITIES, canonical, normalise
from streamgate.vault._secret import Handle, SecretKey, reveal_secret_key

CODE_LENGTH: Final = 8
CODE_BYTES: Final = 5
VARIANT_LENGTH: Final = 4

EXACT_TOKEN: Final = re.compile(rf"\[(?P<entity>{'|'.join(ENTITIES)})_(?P<code>[a-z2-7]{{8}})(?:_(?P<variant>[a-z2-7]{{4}}))?\]")


@dataclass(frozen=True, slots=True, order=True)
class Token:
    """Holds nothing of the value it stands for."""

    entity: str
    code: str
    variant: str = ""

    @property
    def text(self) -> str:
        """As the model sees it."""
        return f"[{self.entity}_{self.code}{'_' if self.variant else ''}{self.variant}]"


def read_token(found: re.Match[str]) -> Token:
    """The token that ``EXACT_TOKEN`` found."""
    return Token(found["entity"], found["code"], found["variant"] or "")


class Tokeniser(Handle):
    """Makes the tokens of one subject and purpose."""

    __slots__ = ("_token_key", "_variant_key")

    def __init__(self, token_key: SecretKey, variant_key: SecretKey) -> None:
        """Two independent keys: what a variant shows says nothing about a code."""
        self._token_key = token_key
        self._variant_key = variant_key

    def token(self, entity: str, value: str) -> tuple[Token, str]:
        """The token of a value in this exact form, and the normalised value that its code stands for."""
        normalised = normalise(entity, value)
        code = base32(_mac(self._token_key, entity, normalised), CODE_LENGTH)
        if value == canonical(entity, normalised):
            return Token(entity, code), normalised
        return Token(entity, code, base32(_mac(self._variant_key, entity, value), VARIANT_LENGTH)), normalised

    def __repr__(self) -> str:
        """Show nothing."""
        return "Tokeniser(…)"


def base32(digest: bytes, length: int) -> str:
    """The first characters of RFC 4648 base32, in lower case."""
    return base64.b32encode(digest).decode().lower()[:length]


def _mac(key: SecretKey, entity: str, value: str) -> bytes:
    message = entity.encode() + b"\x00" + value.encode("utf-8", "surrogatepass")
    return hmac.digest(reveal_secret_key(key), message, hashlib.sha256)

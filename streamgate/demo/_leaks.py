"""Looks for values in bytes, in every form in which they might hide. Pure; what is searched is passed in."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 3
"""A shorter value says nothing when it is found."""
WORD: Final = re.compile(r"\w{4,}")


@dataclass(frozen=True, slots=True, repr=False)
class Leak:
    """A value where it must not be."""

    value: str
    kind: str
    place: str
    form: str

    def __repr__(self) -> str:
        """Show the place only."""
        return f"Leak({self.kind}, {self.place}, {self.form})"


def forms(value: str) -> Iterator[tuple[str, bytes]]:
    """The value as text, JSON, URL and base64 (at each of the three alignments), named. Case is folded by the search, except for base64."""
    yield "text", value.encode()
    yield "json", json.dumps(value)[1:-1].encode()
    yield "url", quote(value, safe="").encode()
    yield "form", quote_plus(value).encode()
    for shift in range(3):
        padded = b"\0" * shift + value.encode()
        whole = base64.b64encode(padded)
        # Characters that also depend on the bytes before or after the value are cut off.
        start = (shift * 8 + 5) // 6
        end = (len(padded) * 8) // 6
        inner = whole[start:end]
        if len(inner) >= SHORTEST + 3:
            yield "base64", inner
            yield "base64url", inner.replace(b"+", b"-").replace(b"/", b"_")


def search(values: Iterable[tuple[str, str]], places: Mapping[str, bytes]) -> list[Leak]:
    """Every ``(value, kind)`` that stands in any place, each place and value once."""
    folded = {place: _fold(data) for place, data in places.items()}
    found: list[Leak] = []
    for value, kind in values:
        if len(value) < SHORTEST:
            continue
        spellings = list(forms(value))
        for place, data in places.items():
            form = next((name for name, spelling in spellings if _stands(name, spelling, data, folded[place])), None)
            if form is not None:
                found.append(Leak(value, kind, place, form))
    return found


def remains(value: str, text: str) -> bool:
    """Whether a value, or of several words one of four letters or more, still stands in a text."""
    folded = text.casefold()
    if value.casefold() in folded:
        return True
    if " " not in value:
        return False  # an address or a number: its parts are other values
    words = set(WORD.findall(folded))
    return any(word in words for word in WORD.findall(value.casefold()))


def _stands(name: str, spelling: bytes, data: bytes, folded: bytes) -> bool:
    if name.startswith("base64"):
        return spelling in data
    return _fold(spelling) in folded if len(spelling) > SHORTEST else _word(_fold(spelling), folded)


def _word(spelling: bytes, folded: bytes) -> bool:
    """A very short value counts only as a word of its own."""
    return re.search(rb"(?<![a-z0-9])" + re.escape(spelling) + rb"(?![a-z0-9])", folded) is not None


def _fold(data: bytes) -> bytes:
    return data.decode("utf-8", "replace").casefold().encode()

"""The copy of a text that is searched: what looks or decodes the same is the same, and every place leads back to the original.

A no-break space, a full-width digit or a soft hyphen hides a number from patterns made of ASCII. So patterns and models see NFKC forms
(UAX 15), plain blanks, hyphens and digits, nothing that is invisible, and escapes decoded; what they find is masked where it stood.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from streamgate.detect._types import Span

_ENTITIES: Final = {"commat": "@", "period": ".", "nbsp": " ", "amp": "&", "plus": "+", "hyphen": "-", "colon": ":", "lowbar": "_"}
_SPECIAL: Final = re.compile(
    r"[^\x00-\x7f]|\\u([0-9a-fA-F]{4})|%([2-7][0-9a-fA-F])|&#([0-9]{2,7});|&#[xX]([0-9a-fA-F]{2,6});|&(" + "|".join(_ENTITIES) + ");"
)
_MINUS: Final = "\u2212"


@dataclass(frozen=True, slots=True, repr=False)
class ScanCopy:
    """A searchable text and where each of its characters stood."""

    text: str
    starts: tuple[int, ...] | None = None
    """Offset in the original of each character; ``None`` where both are the same."""
    ends: tuple[int, ...] | None = None
    """Offset after it."""

    def __repr__(self) -> str:
        """Show a size only."""
        return f"ScanCopy({len(self.text)} characters)"

    def back(self, span: Span) -> Span:
        """The same finding in the original: all that stands between its first and its last character."""
        if self.starts is None or self.ends is None:
            return span
        return replace(span, start=self.starts[span.start], end=self.ends[span.end - 1])


def scan_copy(text: str, *, fold: bool = False) -> ScanCopy:
    """The copy of a text; ``fold`` makes all cases one."""
    if text.isascii() and "%" not in text and "\\u" not in text and "&" not in text:
        return ScanCopy(text.lower() if fold else text)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def plain(begin: int, end: int) -> None:
        pieces.append(text[begin:end].lower() if fold else text[begin:end])
        starts.extend(range(begin, end))
        ends.extend(range(begin + 1, end + 1))

    at = 0
    for special in _SPECIAL.finditer(text):
        plain(at, special.start())
        for character in _meant(special, fold=fold):
            pieces.append(character)
            starts.append(special.start())
            ends.append(special.end())
        at = special.end()
    plain(at, len(text))
    return ScanCopy("".join(pieces), tuple(starts), tuple(ends))


def _meant(special: re.Match[str], *, fold: bool) -> str:
    """What a character or an escape stands for."""
    units, percent, decimal, hexadecimal, entity = special.groups()
    if entity is not None:
        return _ENTITIES[entity]
    if decimal is not None:
        return _decoded(special.group(), int(decimal), fold=fold)
    written = units or percent or hexadecimal
    if written is not None:
        return _decoded(special.group(), int(written, 16), fold=fold)
    return _plain(special.group(), fold)


def _decoded(escape: str, code: int, *, fold: bool) -> str:
    """The character of a code point; the escape itself where it is none, or a control character."""
    surrogate = 0xD800 <= code <= 0xDFFF  # noqa: PLR2004  the surrogate range (Unicode, 3.9)
    if surrogate or code > 0x10FFFF or unicodedata.category(chr(code)) == "Cc":  # noqa: PLR2004  the last code point
        return escape
    return _plain(chr(code), fold)


@lru_cache(maxsize=8192)
def _plain(character: str, fold: bool) -> str:  # noqa: FBT001  positional for the cache
    """One character as the patterns expect it."""
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category == "Zs":
        return " "
    if category == "Pd" or character == _MINUS:
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(character))
    found = unicodedata.normalize("NFKC", character)
    return found.casefold() if fold else found

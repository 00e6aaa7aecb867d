"""Finds known values again: in any case, in any form that reads the same, as whole words. Linear in the text."""

from __future__ import annotations

import re
from typing import Final

from streamgate.detect._copy import scan_copy
from streamgate.detect._types import Span

_WORD: Final = re.compile(r"\w+")


class Wanted:
    """Values to look for. Each is kept under its first word, so a word of the text is looked up once, however many there are."""

    __slots__ = ("_by_word",)

    def __init__(self) -> None:
        """Nothing is wanted yet."""
        self._by_word: dict[str, dict[tuple[int, int], dict[str, Span]]] = {}

    def __bool__(self) -> bool:
        """Whether anything is wanted."""
        return bool(self._by_word)

    def add(self, value: str, like: Span) -> None:
        """Look for ``value``; where it stands, it is a finding like ``like``."""
        literal = scan_copy(value, fold=True).text.strip()
        first = _WORD.search(literal)
        if first is not None:
            by_form = self._by_word.setdefault(first.group(), {})
            by_form.setdefault((first.start(), len(literal)), {}).setdefault(literal, like)

    def spans(self, text: str) -> list[Span]:
        """Every place of every value in a text."""
        found: list[Span] = []
        if not self._by_word:
            return found
        copy = scan_copy(text, fold=True)
        for word in _WORD.finditer(copy.text):
            for (before, length), literals in self._by_word.get(word.group(), {}).items():
                start = word.start() - before
                like = literals.get(copy.text[start : start + length]) if start >= 0 else None
                if like is not None and _whole(copy.text, start, start + length):
                    found.append(copy.back(Span(start, start + length, like.type, like.score, like.by)))
        return found


def _whole(text: str, start: int, end: int) -> bool:
    """Whether no word is cut at either end."""
    cut_before = start > 0 and _WORD.match(text[start - 1]) and _WORD.match(text[start])
    cut_after = end < len(text) and _WORD.match(text[end]) and _WORD.match(text[end - 1])
    return not (cut_before or cut_after)

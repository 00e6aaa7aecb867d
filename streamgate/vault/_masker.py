"""Turns raw text into masked text, for one request.

Every span becomes a token, and text that could be taken for a token, exact or bent, becomes a ``LITERAL`` token that stands for itself. So
what lies between the tokens of a masked text holds no candidate (``_bent``), and restoring it changes the tokens and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, Protocol

from streamgate.errors import Code, Refused
from streamgate.types import MaskedText
from streamgate.vault._bent import bent_tokens
from streamgate.vault._entities import LITERAL, entity_name
from streamgate.vault._secret import Handle
from streamgate.vault._token import EXACT_TOKEN, Token, Tokeniser
from streamgate.vault._token_map import TokenMap

LINE: Final = "\n"


class SpanLike(Protocol):
    """Where a value stands in a text, and of which entity type it is (``streamgate.detect.Span``)."""

    @property
    def start(self) -> int:
        """First character."""
        ...

    @property
    def end(self) -> int:
        """After the last character."""
        ...

    @property
    def type(self) -> str:
        """Entity type."""
        ...


class Masker(Handle):
    """Masks the texts of one request and remembers what its tokens stand for. Equal values get equal tokens."""

    __slots__ = ("_entries", "_meanings", "_tokeniser")

    def __init__(self, tokeniser: Tokeniser) -> None:
        """Start with an empty map."""
        self._tokeniser = tokeniser
        self._entries: dict[Token, str] = {}
        self._meanings: dict[tuple[str, str], str] = {}

    def mask_spans(self, text: str, spans: Iterable[SpanLike]) -> MaskedText:
        """Replace each span; raise ``Refused(TOKEN_COLLISION)``. Spans that overlap are masked as one."""
        pieces: list[str] = []
        position = 0
        for start, end, entity in _disjoint(spans, len(text)):
            pieces += (self._escaped(text[position:start]), self._token(entity, text[start:end]))
            position = end
        pieces.append(self._escaped(text[position:]))
        return MaskedText("".join(pieces))

    def mask_whole(self, text: str, entity: str) -> MaskedText:
        """Replace all of it. An entity that is no type of ours is masked as ``OTHER``; empty text stays empty."""
        return MaskedText(self._token(entity_name(entity), text) if text else "")

    def plain(self, text: str) -> MaskedText:
        """Text that may leave as it is, apart from what looks like a token."""
        return MaskedText(self._escaped(text))

    @property
    def token_map(self) -> TokenMap:
        """What every token made so far stands for."""
        return TokenMap.of(self._entries)

    def _escaped(self, text: str) -> str:
        """``text`` with every candidate replaced; what is left holds none, whatever the cuts uncovered."""
        pieces: list[str] = []
        position = 0
        for found in bent_tokens(text):
            pieces += (self._escaped(text[position : found.start]), self._token(LITERAL, text[found.start : found.end]))
            position = found.end
        if not pieces:
            return text
        pieces.append(self._escaped(text[position:]))
        return "".join(pieces)

    def _token(self, entity: str, value: str) -> str:
        token, normalised = self._tokeniser.token(entity, value)
        meaning = self._meanings.setdefault((token.entity, token.code), normalised)
        if meaning != normalised or self._entries.setdefault(token, value) != value:
            raise Refused(Code.TOKEN_COLLISION, entity)
        return token.text

    def __repr__(self) -> str:
        """Show the size only."""
        return f"Masker({len(self._entries)} tokens)"


def constant_text(text: str) -> MaskedText:
    """A text of our own program, never of a record, as masked text."""
    if not _settled(text) or EXACT_TOKEN.search(text):
        raise ValueError("a constant may not look like a token")
    return MaskedText(text)


def join_masked(separator: str, parts: Iterable[MaskedText]) -> MaskedText:
    """Masked texts as one. Raise ``Refused(TOKEN_COLLISION)`` where two parts would form a token at their seam.

    A separator with a line break never does: no candidate spans a line.
    """
    texts = [part.text for part in parts]
    joined = separator.join(texts)
    if LINE not in separator and not _seamless(joined, [*texts, separator]):
        raise Refused(Code.TOKEN_COLLISION, "seam")
    return MaskedText(joined)


def _seamless(joined: str, parts: list[str]) -> bool:
    """Whether the joined text holds the tokens of its parts and no other, exact or bent."""
    tokens = sum(1 for part in parts for _ in EXACT_TOKEN.finditer(part))
    return _settled(joined) and sum(1 for _ in EXACT_TOKEN.finditer(joined)) == tokens


def _settled(text: str) -> bool:
    """Whether nothing between the exact tokens could be taken for a token."""
    cuts = [0, *(place for found in EXACT_TOKEN.finditer(text) for place in found.span()), len(text)]
    return not any(True for start, end in list(pairwise(cuts))[::2] for _ in bent_tokens(text[start:end]))


def _disjoint(spans: Iterable[SpanLike], length: int) -> Iterator[tuple[int, int, str]]:
    """Spans in order, clipped to the text, without empty ones; overlapping ones become one of the first one's type."""
    clipped = sorted((max(0, span.start), min(length, span.end), entity_name(span.type)) for span in spans)
    current: tuple[int, int, str] | None = None
    for start, end, entity in clipped:
        if start >= end:
            continue
        if current is None or start >= current[1]:
            if current is not None:
                yield current
            current = (start, end, entity)
        else:
            current = (current[0], max(current[1], end), current[2])
    if current is not None:
        yield current

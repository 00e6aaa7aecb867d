"""One finding per place: overlaps resolved by evidence, cut words completed, a value found once found everywhere in its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from streamgate.detect._types import EntityType, Span
from streamgate.detect._words import nameless

SHORTEST_REPEATED: Final = 3
MOST_REPEATED: Final = 500
_NAMES: Final = frozenset({EntityType.PERSON, EntityType.ORGANISATION, EntityType.LOCATION, EntityType.NRP})
_REPEATED: Final = frozenset(EntityType) - {EntityType.DATE, EntityType.AGE, EntityType.NRP, EntityType.URL}


def merge(text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
    """Sorted spans without overlap. Where two overlap, their union is masked as the type with the better evidence."""
    return merge_all([text], [spans])[0]


def merge_all(texts: Sequence[str], spans: Sequence[Iterable[Span]]) -> list[tuple[Span, ...]]:
    """:func:`merge` for the texts of one prompt: a value found in one of them is found in all."""
    found = [_united([_whole_words(text, span) for span in each if _sensible(text, span)]) for text, each in zip(texts, spans, strict=True)]
    wanted: dict[str, Span] = {}
    for text, each in zip(texts, found, strict=True):
        _collect(wanted, text, each)
    pattern = _any_of(wanted)
    if pattern is None:
        return [tuple(each) for each in found]
    return [tuple(_united([*each, *_repeated(text, pattern, wanted)])) for text, each in zip(texts, found, strict=True)]


def _sensible(text: str, span: Span) -> bool:
    """Whether a span lies on the text and is not one of the words that are taken for names."""
    if not 0 <= span.start < span.end <= len(text):
        return False
    return span.type not in _NAMES or not nameless(text[span.start : span.end])


def _united(spans: list[Span]) -> list[Span]:
    """Overlapping spans become one: nothing that any of them covers is left out."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.start, -each.end)):
        if out and span.start < out[-1].end:
            last = out.pop()
            better = max(last, span, key=lambda each: (each.score, each.end - each.start))
            span = Span(last.start, max(last.end, span.end), better.type, better.score, better.by)  # noqa: PLW2901  the union takes its place
        out.append(span)
    return out


def _whole_words(text: str, span: Span) -> Span:
    """Grown to the ends of the words that it cuts, so that no half of a name is left."""
    start, end = span.start, span.end
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return Span(start, end, span.type, span.score, span.by)


def _collect(wanted: dict[str, Span], text: str, spans: Iterable[Span]) -> None:
    """What to look for again: each value in any case; of a person's name each part that is written with a capital too."""
    for span in spans:
        if span.type not in _REPEATED:
            continue
        value = text[span.start : span.end]
        parts = [value, *(value.split() if span.type is EntityType.PERSON else ())]
        for part in parts:
            if len(part) >= SHORTEST_REPEATED and (part == value or part[:1].isupper()) and not nameless(part):
                wanted.setdefault(part.casefold(), span)


def _any_of(wanted: Iterable[str]) -> re.Pattern[str] | None:
    """Longest first; every alternative is a literal, so a search is linear in the text for a bounded number of values."""
    literals = sorted(wanted, key=len, reverse=True)[:MOST_REPEATED]
    if not literals:
        return None
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, literals)) + r")(?!\w)", re.IGNORECASE)


def _repeated(text: str, pattern: re.Pattern[str], wanted: dict[str, Span]) -> list[Span]:
    """Further places of values that were found, as whole words."""
    found = []
    for match in pattern.finditer(text):
        source = wanted.get(match.group(0).casefold())
        if source is not None:
            found.append(Span(match.start(), match.end(), source.type, source.score, source.by))
    return found

"""One finding per place: overlaps resolved by evidence, cut words completed, a value found once found everywhere in its text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from streamgate.detect._again import Wanted
from streamgate.detect._types import EntityType, Span
from streamgate.detect._words import nameless

SHORTEST_REPEATED: Final = 3
SHORTEST_MARKED: Final = 4
_MODEL: Final = "presidio:"
"""What a model found, it may have taken for a name; what a pattern found stands after a title, a label or a greeting."""
_NAMES: Final = frozenset({EntityType.PERSON, EntityType.ORGANISATION, EntityType.LOCATION, EntityType.NRP})
_REPEATED: Final = frozenset(EntityType) - {EntityType.DATE, EntityType.AGE, EntityType.NRP, EntityType.URL}


def merge(text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
    """Sorted spans without overlap. Where two overlap, their union is masked as the type with the better evidence."""
    return merge_all([text], [spans])[0]


def merge_all(texts: Sequence[str], spans: Sequence[Iterable[Span]]) -> list[tuple[Span, ...]]:
    """:func:`merge` for the texts of one prompt: a value found in one of them is found in all."""
    found = [_united([_whole_words(text, span) for span in each if _sensible(text, span)]) for text, each in zip(texts, spans, strict=True)]
    wanted = Wanted()
    for text, each in zip(texts, found, strict=True):
        for span in each:
            if span.type in _REPEATED:
                _want(wanted, text[span.start : span.end], span, SHORTEST_REPEATED)
    return _with(wanted, texts, found)


def find_marked(texts: Sequence[str], spans: Sequence[Iterable[Span]], marked: Iterable[tuple[str, EntityType]]) -> list[tuple[Span, ...]]:
    """The spans of the texts of one prompt, and every place where a value stands that its schema marked in another field."""
    wanted = Wanted()
    for value, kind in marked:
        shortest = SHORTEST_REPEATED if kind is EntityType.PERSON else SHORTEST_MARKED
        _want(wanted, value, Span(0, len(value), kind, 1.0, "schema"), shortest)
    return _with(wanted, texts, spans)


def _want(wanted: Wanted, value: str, span: Span, shortest: int) -> None:
    """Look for a value again; for each part of a person's name that is written with a capital too."""
    parts = [value, *(value.split() if span.type is EntityType.PERSON else ())]
    for part in parts:
        if len(part) >= shortest and (part == value or part[:1].isupper()) and not nameless(part):
            wanted.add(part, span)


def _with(wanted: Wanted, texts: Sequence[str], spans: Sequence[Iterable[Span]]) -> list[tuple[Span, ...]]:
    return [tuple(_united([*each, *wanted.spans(text)])) for text, each in zip(texts, spans, strict=True)]


def _sensible(text: str, span: Span) -> bool:
    """Whether a span lies on the text and is not one of the words that are taken for names."""
    if not 0 <= span.start < span.end <= len(text):
        return False
    guessed = span.type in _NAMES and span.by.startswith(_MODEL)
    return not (guessed and nameless(text[span.start : span.end]))


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

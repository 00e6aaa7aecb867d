"""One finding per place: overlaps resolved by evidence, cut words completed, a value found once found everywhere in its text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from streamgate.detect._types import EntityType, Span

SHORTEST_REPEATED: Final = 3
_REPEATED: Final = frozenset(EntityType) - {EntityType.DATE, EntityType.AGE, EntityType.NRP, EntityType.URL}


def merge(text: str, spans: Iterable[Span]) -> tuple[Span, ...]:
    """Sorted spans without overlap. Where two overlap, their union is masked as the type with the better evidence."""
    found = _united([_whole_words(text, span) for span in spans if 0 <= span.start < span.end <= len(text)])
    return tuple(_united([*found, *_repeated(text, found)]))


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


def _repeated(text: str, spans: list[Span]) -> list[Span]:
    """Further places of values that were found, as whole words, in any case. Of a person's name each part counts too."""
    wanted: dict[str, Span] = {}
    for span in spans:
        if span.type not in _REPEATED:
            continue
        value = text[span.start : span.end]
        parts = [value, *(value.split() if span.type is EntityType.PERSON else ())]
        for part in parts:
            if len(part) >= SHORTEST_REPEATED and (part == value or part[:1].isupper()):
                wanted.setdefault(part.casefold(), span)
    if not wanted:
        return []
    # Longest first; every alternative is a literal, so this is linear in the text for a bounded number of values.
    literals = sorted(wanted, key=len, reverse=True)
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, literals)) + r")(?!\w)", re.IGNORECASE)
    found = []
    for match in pattern.finditer(text):
        source = wanted.get(match.group(0).casefold())
        if source is not None:
            found.append(Span(match.start(), match.end(), source.type, source.score, source.by))
    return found

"""Runs the patterns: one pass of an RE2 set tells which can fire at all, and only these run. Linear in the text's length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import re2

from streamgate.detect import _numbers, _prose, _technical
from streamgate.detect._copy import scan_copy
from streamgate.detect._pattern import Pattern
from streamgate.detect._types import Span

PATTERNS_VERSION: Final = "patterns/2"
_MEMORY_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Compiled:
    patterns: tuple[Pattern, ...]
    expressions: tuple[Any, ...]
    which: Any

    @classmethod
    def of(cls, patterns: Iterable[Pattern]) -> _Compiled:
        chosen = tuple(patterns)
        options = re2.Options()
        options.max_mem = _MEMORY_BYTES
        which = re2.Set.SearchSet(options)
        for pattern in chosen:
            which.Add(_source(pattern))
        which.Compile()
        return cls(chosen, tuple(re2.compile(_source(pattern), options) for pattern in chosen), which)

    def spans(self, text: str) -> Iterator[Span]:
        """Every checked match of every pattern, overlaps included."""
        for index in sorted(self.which.Match(text) or ()):
            pattern, expression = self.patterns[index], self.expressions[index]
            for match in expression.finditer(text):
                start, end = match.span(expression.groupindex["v"])
                value = text[start:end]
                if not value.strip() or (pattern.check is not None and not pattern.check(value)):
                    continue
                yield _trimmed(Span(start, end, pattern.type, pattern.score, pattern.name), value)


def _source(pattern: Pattern) -> str:
    return f"(?i:{pattern.regex})" if pattern.loose else pattern.regex


def _trimmed(span: Span, value: str) -> Span:
    """Without white space at the ends."""
    return Span(span.start + len(value) - len(value.lstrip()), span.end - len(value) + len(value.rstrip()), span.type, span.score, span.by)


@cache
def _all() -> _Compiled:
    return _Compiled.of((*_numbers.PATTERNS, *_technical.PATTERNS, *_prose.PATTERNS))


@cache
def _final() -> _Compiled:
    return _Compiled.of(pattern for pattern in (*_numbers.PATTERNS, *_technical.PATTERNS) if pattern.final)


def scan_patterns(text: str) -> tuple[Span, ...]:
    """What our own patterns find, overlaps included; see ``merge``."""
    return _found(_all(), text)


def scan_final(text: str) -> tuple[Span, ...]:
    """What the patterns find that leave no doubt."""
    return _found(_final(), text)


def _found(compiled: _Compiled, text: str) -> tuple[Span, ...]:
    copy = scan_copy(text)
    return tuple(copy.back(span) for span in compiled.spans(copy.text))

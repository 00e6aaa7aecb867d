"""The actions that need no key: generalise and mask, and how values are written as text."""

from __future__ import annotations

import math
from datetime import date
from typing import Any, Final

from streamgate.codec import FieldRule
from streamgate.errors import Code, Refused

MASK: Final = "*"


def as_text(value: Any, path: str) -> str:
    """A scalar in its one spelling: ISO dates, shortest numbers, ``true`` and ``false``."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Refused(Code.INVALID_FIELD, path)
        return repr(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, date):
        return value.isoformat()
    raise Refused(Code.INVALID_FIELD, path)


def generalise(value: Any, rule: FieldRule, path: str) -> str:
    """Make a value less exact; a value that the way does not fit is refused, never passed as it is."""
    match rule.how:
        case "year":
            return f"{_year(value, path):04d}"
        case "decade":
            return f"{_year(value, path) // 10 * 10:04d}s"
        case "prefix":
            return _prefix(as_text(value, path), int(rule.size or 0))
        case "bucket":
            return _bucket(value, rule.size or 0, path)
        case _:
            raise Refused(Code.INVALID_FIELD, path)


def _year(value: Any, path: str) -> int:
    if isinstance(value, date):
        return value.year
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10]).year
        except ValueError:
            raise Refused(Code.INVALID_FIELD, path) from None
    raise Refused(Code.INVALID_FIELD, path)


def _prefix(text: str, size: int) -> str:
    """The first characters, and as many marks as are hidden; never the whole value."""
    kept = text.strip()[: min(size, max(0, len(text.strip()) - 1))]
    return kept + "…"


def _bucket(value: Any, size: float, path: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or size <= 0:
        raise Refused(Code.INVALID_FIELD, path)
    low = math.floor(value / size) * size
    return f"{as_text(low, path)}-{as_text(low + size, path)}"


def mask(text: str, keep_last: int) -> str:
    """Marks for every letter and digit but the last few; separators stay. A short value keeps nothing."""
    letters = sum(character.isalnum() for character in text)
    keep = keep_last if letters > 2 * keep_last else 0
    hidden = letters - keep
    out: list[str] = []
    for character in text:
        if character.isalnum() and hidden > 0:
            hidden -= 1
            out.append(MASK)
        else:
            out.append(character)
    return "".join(out)

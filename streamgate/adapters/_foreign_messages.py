"""What may be shown of a log record that a library made. What it is not: a search for personal data; what is not known to be safe goes."""

from __future__ import annotations

import linecache
import logging
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "…"


class _Hidden(dict[str, object]):
    """Named arguments: looked up by name they give what may be shown, as a whole they give nothing, as their names may be data too."""

    def __repr__(self) -> str:
        return HIDDEN


def safe_message(record: logging.LogRecord, arguments: object) -> str:
    """The message as it stands in the source, with numbers only."""
    template = record.msg
    if not isinstance(template, str) or not _stands_in_source(template, record.pathname):
        return f"({HIDDEN})"
    if not arguments:
        return template
    shown: Any
    if isinstance(arguments, Mapping):
        shown = _Hidden({key: _number(value) for key, value in arguments.items()})
    else:
        shown = tuple(_number(value) for value in arguments) if isinstance(arguments, tuple) else (_number(arguments),)
    try:
        return str(template % shown)
    except (TypeError, ValueError, KeyError):
        return template


def _stands_in_source(template: str, path: str) -> bool:
    """Whether the text is, quotes included, a constant of the module that logged it. ``linecache`` reads each file once."""
    literals = (f'"{template}"', f"'{template}'")
    return any(literal in line for line in linecache.getlines(path) for literal in literals)


def _number(value: object) -> object:
    """Numbers as they are, all else hidden."""
    return value if type(value) in {int, float, bool} else HIDDEN

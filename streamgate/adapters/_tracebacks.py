"""An exception as it may stand in a log: types and frames, and the text of our own errors, which hold no data.

What it is not: a formatter of tracebacks for people at a terminal. Local values and source lines are not shown, nor the text of anybody
else's exception: ``str(error)`` of a JSON or Unicode error quotes its input.
"""

from __future__ import annotations

import traceback
from typing import Any, Final

from streamgate.errors import ConfigError, StreamgateError

MAX_FRAMES: Final = 30
MAX_CHAIN: Final = 10


def exception_summary(error: BaseException) -> list[dict[str, Any]]:
    """The exception and what it came from, newest first; an exception group is followed by its members."""
    chain: list[dict[str, Any]] = []
    waiting: list[tuple[BaseException, str]] = [(error, "raised")]
    seen: set[int] = set()
    while waiting and len(chain) < MAX_CHAIN:
        current, relation = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        chain.append(_one(current, relation))
        if isinstance(current, BaseExceptionGroup):
            waiting.extend((member, "member") for member in current.exceptions)
        if current.__cause__ is not None:
            waiting.append((current.__cause__, "cause"))
        elif current.__context__ is not None and not current.__suppress_context__:
            waiting.append((current.__context__, "context"))
    return chain


def _one(error: BaseException, relation: str) -> dict[str, Any]:
    """One exception of the chain."""
    summary: dict[str, Any] = {"relation": relation, "type": type(error).__qualname__}
    if isinstance(error, StreamgateError | ConfigError):
        summary["message"] = str(error)
    frames = [
        f"{frame.f_globals.get('__name__', '?')}:{frame.f_code.co_name}:{line}" for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    summary["frames"] = frames[-MAX_FRAMES:]
    return summary

"""Where an exception came from, without its text: messages and arguments may hold data."""

from __future__ import annotations

import traceback


def where(error: BaseException) -> str:
    """``module:line`` of the innermost frame of ours, or ``unknown``."""
    place = "unknown"
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = frame.f_globals.get("__name__", "")
        if isinstance(module, str) and module.split(".")[0] == "streamgate":
            place = f"{module}:{line}"
    return place

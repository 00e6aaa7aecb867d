"""What runs in a detector process: patterns and Presidio over the texts that come through a pipe. It holds no key and outlives nobody."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streamgate.detect import Span

READY: Final = "ready"
FAILED: Final = "failed"
_PR_SET_PDEATHSIG: Final = 1
Found = tuple[int, int, str, float, str]
"""A span in plain types."""


def serve(pipe: Connection, parent: int) -> None:
    """Answer requests until the pipe closes or the parent is gone. What goes wrong crosses back as one constant word."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(parent)
    from streamgate.adapters.presidio import PresidioAnalyzer  # noqa: PLC0415  seconds of imports that only this process needs
    from streamgate.detect import merge_all, scan_copy, scan_patterns  # noqa: PLC0415  same

    logging.disable(logging.CRITICAL)  # a library's log line may quote the text, and this process has nothing else to say
    analyzer = PresidioAnalyzer()

    def found(text: str) -> list[Span]:
        copy = scan_copy(text)
        return [*scan_patterns(text), *(copy.back(span) for span in analyzer.spans(copy.text))]

    def look(texts: Sequence[str]) -> list[list[Found]]:
        merged = merge_all(texts, [found(text) for text in texts])
        return [[(span.start, span.end, span.type.value, span.score, span.by) for span in spans] for spans in merged]

    look(["Warm up: Jane Doe, 1 Main Street."])
    pipe.send(READY)
    while True:
        try:
            texts: Sequence[str] = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer: list[list[Found]] | str = look(texts)
        except Exception:  # noqa: BLE001  a library's exception may quote the text: only the fact of it crosses over
            answer = FAILED
        try:
            pipe.send(answer)
        except OSError:
            return


def _die_with(parent: int) -> None:
    """Have the kernel end this process when the one that forked it ends, and leave at once where the owner has gone already."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        os.kill(parent, 0)
    except OSError:
        os._exit(0)

"""How dead letters look on a terminal. What stands in one was written by anybody: nothing of it may steer the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from rich.console import Console
from rich.text import Text

from streamgate.bootstrap import Installation, Original
from streamgate.errors import StreamgateError

NEXT_STEP = "next_step"
POSSIBLE = "possible"


def table_of(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a letter, never cut off, and below them what each code asks for."""
    console = Console(highlight=False, soft_wrap=True)
    names = [name for name in rows[0] if name != NEXT_STEP]
    cells = [[_in_one_line(str(row[name])) for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    console.print(Text(_padded(names, widths), style="dim"))
    for row, line in zip(rows, cells, strict=True):
        console.print(Text(_padded(line, widths), style="" if row["replay"] == POSSIBLE else "dim"))
    for code, step in dict.fromkeys((row["code"], row[NEXT_STEP]) for row in rows):
        console.print(Text.assemble((f"{_in_one_line(code)}: ", "yellow"), step))


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


async def shown_original(installation: Installation, topic: str, original: Original) -> str:
    """JSON: key, headers and value; the value as a record where its schema is known by now, else as text, else in hexadecimal."""
    document = {
        "key": _text(original.key),
        "headers": {name: _text(held) for name, held in original.headers},
        "bytes": len(original.value or b""),
        "value": await _value(installation, topic, original.value),
    }
    return printable(json.dumps(document, ensure_ascii=False, indent=2, default=_plain))


async def _value(installation: Installation, topic: str, value: bytes | None) -> Any:
    try:
        return (await installation.decoder().decode(topic, value)).record
    except StreamgateError:
        return _text(value)


def _plain(value: object) -> Any:
    """What Avro has and JSON has not: bytes, and what logical types become (dates, times, decimals, UUIDs)."""
    if isinstance(value, (bytes, bytearray)):
        return _text(bytes(value))
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


def _text(data: bytes | None) -> str | dict[str, str] | None:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"hex": data.hex()}


def printable(text: str) -> str:
    """With escapes for what a terminal would act on: control characters, and those that turn the direction of text."""
    return "".join(each if each.isprintable() or each == "\n" else _escaped(each) for each in text)


def _in_one_line(text: str) -> str:
    return printable(text).replace("\n", "\\n")


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]

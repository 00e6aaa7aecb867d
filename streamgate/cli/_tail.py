"""``streamgate tail``: decoded records of a topic, raw fields masked as the schema says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from streamgate.bootstrap import Installation, follow, load
from streamgate.cli._report import screen
from streamgate.cli._worker import ConfigOption
from streamgate.codec import Decoded, FieldRule
from streamgate.errors import StreamgateError
from streamgate.types import Inbound

SHOWN = {"keep", "generalise"}
NEVER = {"seal", "drop"}
LONGEST_BYTES = 64


def tail(
    topic: Annotated[str, typer.Argument(help="Topic without the prefix, for example responses.")],
    reveal: Annotated[bool, typer.Option("--reveal", help="Show raw fields too. What is sealed stays hidden.")] = False,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Start at the first record.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Stop at what was the end when it started.")] = False,
    config: ConfigOption = None,
) -> None:
    """Follow a topic until interrupted."""
    installation = load(config)
    with suppress(KeyboardInterrupt, BrokenPipeError):
        asyncio.run(_tail(installation, topic, reveal=reveal, from_beginning=from_beginning, once=once))


async def _tail(installation: Installation, topic: str, *, reveal: bool, from_beginning: bool, once: bool) -> None:
    out = Console(highlight=False, soft_wrap=True)
    async with aclosing(follow(installation, topic, from_beginning=from_beginning or once, once=once)) as records:
        await _print(out, topic, records, reveal=reveal)


async def _print(out: Console, topic: str, records: AsyncIterator[tuple[Inbound, Decoded | StreamgateError]], *, reveal: bool) -> None:
    async for message, decoded in records:
        place = f"{topic}-{message.partition}@{message.offset}"
        if isinstance(decoded, StreamgateError):
            screen.print(f"{place} {decoded.code}", style="red", markup=False)
            continue
        shown = masked(decoded.record, decoded.schema.rules, reveal=reveal)
        line = Text.assemble((place + " ", "dim"), _coloured(shown))
        out.print(line)


def masked(record: Mapping[str, Any], rules: Mapping[str, FieldRule], *, reveal: bool) -> dict[str, Any]:
    """The record as it may be shown: kept fields as they are, sealed ones never, the rest only where ``reveal``."""
    return {name: _value(value, name, rules, reveal=reveal) for name, value in record.items()}


def _value(value: Any, path: str, rules: Mapping[str, FieldRule], *, reveal: bool) -> Any:
    rule = rules.get(path)
    action = "drop" if rule is None else rule.action
    if value is None:
        return None
    if action in NEVER:
        return "‹sealed›" if action == "seal" else "‹not shown›"
    if isinstance(value, Mapping):
        if any(other.startswith(path + ".") for other in rules):
            return {name: _value(each, f"{path}.{name}", rules, reveal=reveal) for name, each in value.items()}
        # A map: its keys are as raw as its values.
        return value if action in SHOWN or reveal else f"‹{action}: {len(value)} entries›"
    if isinstance(value, list):
        return [_item(each, path, rules, action, reveal=reveal) for each in value]
    return _leaf(value, action, reveal=reveal)


def _item(each: Any, path: str, rules: Mapping[str, FieldRule], action: str, *, reveal: bool) -> Any:
    if isinstance(each, Mapping):
        return {name: _value(inner, f"{path}[].{name}", rules, reveal=reveal) for name, inner in each.items()}
    return _leaf(each, action, reveal=reveal)


def _leaf(value: Any, action: str, *, reveal: bool) -> Any:
    if not (action in SHOWN or reveal):
        return f"‹{action}: {len(value)} bytes›" if isinstance(value, bytes) else f"‹{action}: {len(str(value))} characters›"
    if isinstance(value, bytes):
        return value.hex() if len(value) <= LONGEST_BYTES else f"‹{len(value)} bytes›"
    return value


def _coloured(shown: Mapping[str, Any]) -> Text:
    text = Text()
    for name, value in shown.items():
        if value is None or value in ("", [], {}):
            continue
        body = json.dumps(value, ensure_ascii=False, default=str)
        style = "magenta" if "‹" in body else {"status": "bold green", "code": "yellow", "fact": "bold cyan"}.get(name, "")
        text.append(f"{name}=", "blue").append(body, style).append(" ")
    return text

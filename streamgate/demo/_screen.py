"""What a person sees of the demo."""

from __future__ import annotations

import re

from rich.columns import Columns
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streamgate.demo._report import Exchange, Report

TOKEN = re.compile(r"\[[A-Z][A-Z0-9_]*_[a-z2-7]{8}(?:_[a-z2-7]{2,4})?\]")
LONGEST = 700
COLOURS = {"answered": "green", "refused": "yellow", "failed": "red", "dead-lettered": "magenta", "no response": "bold red"}


def show(console: Console, report: Report, metrics: str, *, keep: bool) -> None:
    """Every exchange in three panes, then the summary."""
    for exchange in report.exchanges:
        console.print(_exchange(exchange, console.width))
    console.print(_summary(report))
    if keep:
        console.print(f"metrics: {metrics}   (Ctrl-C ends the demo)")


def _exchange(exchange: Exchange, width: int) -> Group:
    colour = COLOURS.get(exchange.status, "white")
    title = Text.assemble((exchange.title, "bold"), "   ", (f"{exchange.status} {exchange.code}".strip(), colour))
    pane = max(30, (width - 4) // 3)
    received = exchange.received or "(nothing: it did not leave the house)"
    panes = (
        Panel(_cut(exchange.sent), title="the producer sent", width=pane, border_style="blue"),
        Panel(_tokens(_cut(received)), title="the provider received", width=pane, border_style="cyan"),
        Panel(_cut(exchange.got or "(no response)"), title="the consumer got", width=pane, border_style=colour),
    )
    body: tuple[object, ...] = (Text(), title, Columns(panes, padding=(0, 0)))
    if exchange.missed:
        seen = ", ".join(f"{kind}: {value}" for value, kind in exchange.missed)
        body += (Text(f"missed, so the provider saw it: {seen}", style="bold yellow"),)
    return Group(*body)  # type: ignore[arg-type]  # all of them are renderable


def _cut(text: str) -> Text:
    return Text(text if len(text) <= LONGEST else text[:LONGEST] + " …")


def _tokens(text: Text) -> Text:
    text.highlight_regex(TOKEN, "bold green")
    return text


def _summary(report: Report) -> Group:
    table = Table(show_header=False, box=None, padding=(0, 2))
    counts = ", ".join(
        f"{report.ended(status)} {status}"
        for status in ("answered", "refused", "failed", "dead-lettered", "no response")
        if report.ended(status)
    )
    table.add_row("prompts", f"{len(report.exchanges)}: {counts}")
    table.add_row(
        "added latency",
        f"p50 {report.added_latency_ms(0.5):.0f} ms, p99 {report.added_latency_ms(0.99):.0f} ms, the provider's time not counted",
    )
    table.add_row("leaks", _leaks(report))
    table.add_row("missed", _missed(report))
    table.add_row("provider, broker", f"{report.provider}, {report.broker}")
    for promise in report.promises_not_kept:
        table.add_row("not kept here", promise)
    return Group(Text(), Panel(table, title="streamgate demo", border_style="bold"))


def _leaks(report: Report) -> Text:
    if not report.leaks:
        return Text(
            f"0 of {report.planted} planted values in {len(report.searched)} places ({sum(report.searched.values()):,} bytes searched)",
            "green",
        )
    lines = "\n".join(f"{leak.kind} {leak.value!r} in {leak.place} ({leak.form})" for leak in report.leaks)
    return Text(f"{len(report.leaks)} LEAKED\n{lines}", "bold red")


def _missed(report: Report) -> Text:
    found = report.missed
    if not found:
        return Text("0", "green")
    kinds: dict[str, list[str]] = {}
    for value, kind in found:
        kinds.setdefault(kind, []).append(value)
    lines = "\n".join(f"{kind}: {', '.join(values)}" for kind, values in sorted(kinds.items()))
    return Text(f"{len(found)} of {report.planted} planted values were found by no detector, and the provider saw them\n{lines}", "yellow")

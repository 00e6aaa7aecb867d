"""``streamgate demo``: see it work."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console

from streamgate.cli._loop import run as run_loop
from streamgate.cli._report import screen
from streamgate.demo import DemoOptions, run, show


def demo(
    bootstrap: Annotated[str | None, typer.Option(help="host:port of a Kafka to use instead of the embedded broker.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Call the real API with OPENAI_API_KEY instead of the simulated provider.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Stay up after the summary and print the metrics address.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, for programs.")] = False,
    break_masking: Annotated[
        bool, typer.Option("--break-masking", help="Switch detection off for vault, to see that the search for leaks notices.")
    ] = False,
) -> None:
    """Run everything on this machine with sample traffic, and look for leaks. Exit status 1 when something leaked."""
    key = os.environ.get("OPENAI_API_KEY")
    if live and not key:
        screen.print("--live needs OPENAI_API_KEY in the environment", style="bold red")
        raise typer.Exit(2)
    options = DemoOptions(bootstrap=bootstrap, live=live, api_key=key if live else None, keep=keep, break_masking=break_masking)
    try:
        leaked = run_loop(_demo(options, as_json=as_json))
    except KeyboardInterrupt:
        screen.print("stopped; nothing is left running")
        raise typer.Exit(130) from None
    raise typer.Exit(1 if leaked else 0)


async def _demo(options: DemoOptions, *, as_json: bool) -> int:
    with screen.status("starting broker, provider and detector") as status:
        async with run(options, status.update) as (report, metrics):
            status.stop()
            if as_json:
                print(json.dumps(report.document()))
            else:
                show(Console(highlight=False), report, metrics, keep=options.keep)
            if options.keep:
                screen.print(f"metrics: {metrics}")
                with suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
            return len(report.leaks)

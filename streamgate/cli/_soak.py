"""``streamgate soak``: break it on purpose, and see what holds."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from streamgate.cli._loop import run
from streamgate.cli._report import screen
from streamgate.demo.soak import SoakOptions, document, planned, show_outcome, show_plan
from streamgate.demo.soak import soak as run_soak

QUIET_SECONDS = 30.0


def soak(
    seed: Annotated[int | None, typer.Option(min=0, help="Replays the schedule of an earlier run; default: a new one.")] = None,
    prompts: Annotated[int, typer.Option(min=10, help="Prompts, about 100 characters each.")] = 2_000,
    faults: Annotated[int, typer.Option(min=0, help="Faults, spread over the prompts.")] = 28,
    per_second: Annotated[float, typer.Option(min=0.1, help="Prompts sent in a second.")] = 8.0,
    workers: Annotated[int, typer.Option(min=1, help="Processes of each role.")] = 2,
    bootstrap: Annotated[
        str | None, typer.Option(help="host:port of a Kafka to use, which is then not broken; default: one is started from its jars.")
    ] = None,
    kafka_libs: Annotated[Path | None, typer.Option(help="Folder of Apache Kafka's jars.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep logs, the broker's data and soak.json in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, for programs.")] = False,
) -> None:
    """Run workers, a broker and a provider under faults, then check every record. Exit status 1 when something does not hold."""
    options = SoakOptions(
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
        prompts=prompts,
        faults=faults,
        per_second=per_second,
        workers=workers,
        bootstrap=bootstrap,
        kafka_libs=kafka_libs,
        keep=keep,
    )
    show_plan(screen, options, planned(options))
    try:
        with screen.status("starting") as status:
            outcome = run(run_soak(options, status.update if screen.is_terminal else _now_and_then()))
    except (KeyboardInterrupt, asyncio.CancelledError):
        screen.print("stopped; nothing is left running")
        raise typer.Exit(130) from None
    found = json.dumps(document(outcome, planned(options)), indent=2)
    if keep is not None:
        (keep / "soak.json").write_text(found, encoding="utf-8")
    if as_json:
        print(found)
    else:
        show_outcome(Console(highlight=False), outcome)
    raise typer.Exit(0 if outcome.verdict.passed else 1)


def _now_and_then() -> Callable[[str], None]:
    """Says how far it is where no terminal shows it: one line, and the next one half a minute later."""
    said = 0.0

    def say(text: str) -> None:
        nonlocal said
        if time.monotonic() - said > QUIET_SECONDS:
            said = time.monotonic()
            screen.print(text)

    return say

"""``streamgate topics``: create and check what streamgate reads and writes."""

from __future__ import annotations

import asyncio

import typer

from streamgate.bootstrap import apply_topics, check_topics, load
from streamgate.cli._report import screen
from streamgate.cli._worker import ConfigOption

app = typer.Typer(help="Create and check topics.", no_args_is_help=True)


@app.command()
def apply(config: ConfigOption = None) -> None:
    """Create missing topics and set their configuration. Partition counts are never changed."""
    for line in asyncio.run(apply_topics(load(config))):
        print(line)


@app.command()
def check(config: ConfigOption = None) -> None:
    """List every difference between the cluster and what streamgate needs; exit status 1 when there is one."""
    differences = asyncio.run(check_topics(load(config)))
    for line in differences:
        screen.print(line, markup=False)
    if differences:
        raise typer.Exit(1)
    print("all topics are as they should be")

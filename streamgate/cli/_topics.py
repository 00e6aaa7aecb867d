"""``streamgate topics``: create and check what streamgate reads and writes, and change how many partitions it has."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated

import typer

from streamgate.bootstrap import apply_topics, check_topics, load, repartition
from streamgate.cli._report import screen
from streamgate.cli._worker import ConfigOption

app = typer.Typer(help="Create and check topics, change their partition count.", no_args_is_help=True)


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


@app.command("repartition")
def change_count(
    to: Annotated[int, typer.Option(min=1, max=1000, help="The new partition count; higher than the present one.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without, say what would be done.")] = False,
    config: ConfigOption = None,
) -> None:
    """Change the partition count, with every worker stopped. Runs where vault's key file is; killed, it is run again."""
    moved = asyncio.run(repartition(load(config), to, confirmed=yes, say=partial(print, flush=True)))
    if moved is not None:
        rate = moved.rows / max(moved.seconds, 0.001)
        print(f"done: {moved.rows:,} rows of {moved.subjects:,} subjects moved, {moved.seconds:.1f} s in all, {rate:,.0f} rows/s")
        print(f"write kafka.partitions = {to} into the settings of every worker, then start them; restart producers and consumers")

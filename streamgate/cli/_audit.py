"""``streamgate audit``: prove that the log is whole."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from streamgate.bootstrap import load, verify_audit
from streamgate.cli._report import screen
from streamgate.cli._worker import ConfigOption

app = typer.Typer(help="Verify the audit log.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Verify the audit log."""


@app.command()
def verify(
    public_key: Annotated[list[Path], typer.Option(help="PEM file of a notary's public key; may be given more than once.")],
    checkpoint: Annotated[Path | None, typer.Option(help="Heads seen before: a log that ends earlier is truncated.")] = None,
    write_checkpoint: Annotated[Path | None, typer.Option(help="Write the heads seen now.")] = None,
    config: ConfigOption = None,
) -> None:
    """Read the audit topic from the beginning and name the first break; exit status 1 when there is one."""
    reports = asyncio.run(verify_audit(load(config), public_key, checkpoint, write_checkpoint))
    broken = False
    for partition, report in sorted(reports.items()):
        line: dict[str, object] = {"partition": partition, "entries": report.entries, "copies": report.copies, "intact": report.intact}
        if report.first_break is not None:
            broken = True
            line |= {
                "break": report.first_break.kind.value,
                "at_sequence": report.first_break.sequence,
                "at_source_offset": report.first_break.offset,
            }
        print(json.dumps(line))
    if broken:
        screen.print("the audit log is broken: see above for the first break of each partition", style="bold red")
        raise typer.Exit(1)

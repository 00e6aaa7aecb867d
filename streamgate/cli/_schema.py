"""``streamgate schema``: whether schemas may be used, and saying so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streamgate.cli._report import screen
from streamgate.codec import approve as approve_schemas
from streamgate.codec import check as check_schemas
from streamgate.codec import packaged_schemas

app = typer.Typer(help="Check and approve schemas.", no_args_is_help=True)
Directory = Annotated[Path | None, typer.Option("--directory", help="Folder with one folder per topic; default: the packaged schemas.")]


@app.command()
def check(directory: Directory = None) -> None:
    """Refuse un-annotated fields, incompatible changes, weakened protection and what is not in the lock; exit status 1."""
    problems = check_schemas(directory or packaged_schemas())
    for problem in problems:
        screen.print(str(problem), markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)
    print("all schemas are annotated, compatible and approved")


@app.command()
def approve(
    directory: Directory = None,
    weaker: Annotated[bool, typer.Option("--allow-weaker", help="Approve also what protects less than the version before.")] = False,
) -> None:
    """Write the lock: what stands under schemas/ now is what workers may use."""
    place = directory or packaged_schemas()
    written = approve_schemas(place, allow_weaker=weaker)
    print(f"approved: {written}")

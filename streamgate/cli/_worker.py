"""``streamgate worker``: one role a process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streamgate.bootstrap import load, run_worker
from streamgate.cli._loop import run
from streamgate.types import Role

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file; default ./streamgate.toml or STREAMGATE_CONFIG.")]


def worker(
    role: Annotated[Role, typer.Option(help="vault holds the keys, egress the way out, notary the audit signature.")],
    config: ConfigOption = None,
) -> None:
    """Run one role until it is stopped (SIGTERM drains and commits). Exits with 1 when it cannot go on."""
    installation = load(config)
    raise typer.Exit(run(run_worker(role, installation)))

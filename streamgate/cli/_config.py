"""``streamgate config``: what the settings are, and what they can be."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from streamgate.cli._worker import ConfigOption
from streamgate.config import load, reference, show

app = typer.Typer(help="Show settings.", no_args_is_help=True)


@app.command("show")
def show_settings(config: ConfigOption = None) -> None:
    """The settings as they are in force, secrets hidden."""
    path: Path | None = config
    print(show(load(path, os.environ)))


@app.command("reference")
def settings_reference() -> None:
    """Every setting with its environment name, type, default and meaning, as Markdown."""
    print(reference())

"""``streamgate init``: a place to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streamgate.bootstrap import create_keys
from streamgate.config import init as write_files


def init(
    directory: Annotated[Path, typer.Argument(help="Where to write.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Overwrite settings and policy; keys are never overwritten.")] = False,
) -> None:
    """Write commented settings, a policy whose first purpose works at once, and the keys of vault and notary (mode 0600)."""
    directory.mkdir(parents=True, exist_ok=True)
    for written in [*write_files(directory, force=force), *create_keys(directory)]:
        print(written)
    print("next: streamgate topics apply, then one `streamgate worker --role …` each for vault, egress and notary")

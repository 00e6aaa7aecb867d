"""Write a first ``streamgate.toml`` and ``policy.toml``, commented, that load as they are."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from streamgate.errors import ConfigError

FILES: Final = ("streamgate.toml", "policy.toml")


def init(directory: Path, *, force: bool = False) -> tuple[Path, ...]:
    """Write both files into ``directory``, which is made if need be, and return their paths.

    Nothing is written where one of them is there already, unless ``force`` is given: ``ConfigError`` names those that are.
    """
    paths = tuple(directory / name for name in FILES)
    there = tuple(f"{path}: exists already; remove it, choose another directory, or use --force" for path in paths if path.exists())
    if there and not force:
        raise ConfigError(there)
    templates = resources.files("streamgate.config") / "templates"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path in paths:
            path.write_bytes((templates / path.name).read_bytes())
    except OSError as error:
        raise ConfigError((f"{directory}: cannot be written ({error.strerror}); choose a directory that can be",)) from None
    return paths

"""Read settings: the environment that was given, over one TOML file, over the defaults."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from streamgate.config._fields import leaves
from streamgate.config._problems import problems, unknown
from streamgate.config._settings import DELIMITER, PREFIX, Settings
from streamgate.errors import ConfigError

CONFIG_VARIABLE: Final = "STREAMGATE_CONFIG"
DEFAULT_FILE: Final = Path("streamgate.toml")
_OTHERS: Final = re.compile(
    rf"{CONFIG_VARIABLE}|STREAMGATE_CI|STREAMGATE_TEST_[A-Z_]+"
    # What Kubernetes sets in every pod beside a Service whose name starts with "streamgate".
    r"|STREAMGATE_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


class _Environment(EnvSettingsSource):
    """The library's reading of nested variables, on the environment it is given."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name.lower(): value for name, value in environ.items() if value}
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return dict(self._environ)


def load(config_path: Path | str | None, environ: Mapping[str, str]) -> Settings:
    """The settings, or ``ConfigError`` with every mistake.

    The file is ``config_path``, else the one STREAMGATE_CONFIG names, else ./streamgate.toml if there is one. A relative path in the
    file is taken from the file's directory, one in the environment from the working directory.
    """
    path = _file(config_path, environ)
    document = {} if path is None else read_toml(path)
    if path is not None:
        _anchor(document, path.parent)
    known = {leaf.variable: leaf.path for leaf in leaves()}
    ours = {name.upper(): value for name, value in environ.items() if name.upper().startswith(PREFIX) and value}
    strangers = [unknown(name, name, known) for name in sorted(ours) if name not in known and not _foreign(name)]
    given = {name: value for name, value in ours.items() if name in known}
    sources = dict.fromkeys(_paths(document), "file") | {known[name]: name for name in given}
    try:
        settings = Settings(**_merged(document, _Environment(given)()))
    except ValidationError as error:
        raise ConfigError((*problems(error, Settings, sources), *strangers)) from None
    if strangers:
        raise ConfigError(tuple(strangers))
    return settings.with_sources(sources)


def _file(config_path: Path | str | None, environ: Mapping[str, str]) -> Path | None:
    named = config_path or environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.is_file() else None


def read_toml(path: Path) -> dict[str, Any]:
    """The parsed file; raise ``ConfigError`` where it is missing or not TOML."""
    try:
        return parse_toml(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read ({error.strerror}); run `streamgate init`, or name another file",)) from None


def parse_toml(data: bytes, place: str) -> dict[str, Any]:
    """The parsed text; raise ``ConfigError`` where it is not TOML."""
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError:
        raise ConfigError((f"{place}: not UTF-8; save the file as UTF-8",)) from None
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at .*\)$", str(error))
        raise ConfigError((f"{place}: not TOML {where[0] if where else ''}; mend the syntax there",)) from None


def _foreign(name: str) -> bool:
    return DELIMITER not in name and _OTHERS.fullmatch(name) is not None


def _anchor(document: dict[str, Any], directory: Path) -> None:
    for leaf in leaves():
        *sections, name = leaf.path.split(".")
        here: Any = document
        for section in sections:
            here = here.get(section) if isinstance(here, dict) else None
        if leaf.is_path:
            _anchor_one(here, name, directory)
        for each in leaf.paths_inside:
            inner = here.get(name) if isinstance(here, dict) else None
            for table in inner.values() if isinstance(inner, dict) else ():
                _anchor_one(table, each, directory)


def _anchor_one(table: Any, name: str, directory: Path) -> None:
    if isinstance(table, dict) and isinstance(table.get(name), str) and table[name]:
        table[name] = str(directory / table[name])


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        held = merged.get(name)
        merged[name] = _merged(held, value) if isinstance(held, Mapping) and isinstance(value, Mapping) else value
    return merged


def _paths(document: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in document.items():
        yield prefix + name
        if isinstance(value, Mapping):
            yield from _paths(value, f"{prefix}{name}.")

"""Settings as text: as they are (secrets hidden), and as a reference of what can be set."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from streamgate.config._fields import Leaf, leaves
from streamgate.config._settings import Settings

HIDDEN: Final = "********"


def show(settings: Settings) -> str:
    """The settings as TOML, secrets hidden, each with where it came from."""
    lines: list[str] = []
    section = ""
    for leaf in leaves():
        *sections, name = leaf.path.split(".")
        if sections and ".".join(sections) != section:
            section = ".".join(sections)
            lines += ["", f"[{section}]"]
        value: Any = settings
        for part in leaf.path.split("."):
            value = getattr(value, part)
        source = settings.source(leaf.path)
        lines.append(f"# {name} is not set" if value is None else f"{name} = {_toml(value)}  # {source}")
    return "\n".join(lines) + "\n"


def reference() -> str:
    """Every setting as a Markdown table, from the models' own descriptions."""
    head = [
        "# Settings",
        "",
        "The environment goes before the file, the file before the default.",
        "",
        "| setting | environment | type | default | meaning |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *_rows()]) + "\n"


def _rows() -> Iterator[str]:
    for leaf in leaves():
        cells = (f"`{leaf.path}`", f"`{leaf.variable}`", leaf.type_name, _default(leaf), leaf.field.description or "")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(leaf: Leaf) -> str:
    value = leaf.field.get_default(call_default_factory=True, validated_data={})
    return "none" if value is None else f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    """One TOML value. JSON's strings are TOML's basic strings."""
    if isinstance(value, SecretStr):
        return json.dumps(HIDDEN)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, BaseModel):
        return _toml({name: held for name in type(value).model_fields if (held := getattr(value, name)) is not None})
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(str(name), ensure_ascii=False)} = {_toml(item)}" for name, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, Path):
        return json.dumps(str(value), ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)

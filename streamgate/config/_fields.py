"""The settings as a list: every leaf with its dotted path, its environment variable and its declaration."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from streamgate.config._settings import DELIMITER, PREFIX, Settings


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting."""

    path: str
    field: FieldInfo

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + self.path.upper().replace(".", DELIMITER)

    @property
    def types(self) -> tuple[Any, ...]:
        """Its types, without ``None``."""
        annotation = self.field.annotation
        members = get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else (annotation,)
        return tuple(get_args(member)[0] if hasattr(member, "__metadata__") else member for member in members if member is not type(None))

    @property
    def secret(self) -> bool:
        """Whether its value is never shown."""
        return SecretStr in self.types

    @property
    def is_path(self) -> bool:
        """Whether it names a file or a directory."""
        return Path in self.types

    @property
    def paths_inside(self) -> tuple[str, ...]:
        """Where it is a table of tables: what in each of these names a file or a directory."""
        inner = section_of(get_args(self.types[0])[1]) if get_origin(self.types[0]) is dict else None
        return () if inner is None else tuple(name for name, field in inner.model_fields.items() if Leaf(name, field).is_path)

    @property
    def type_name(self) -> str:
        """Its type in words."""
        kind = self.types[0]
        if get_origin(kind) is Literal:
            return ", ".join(f"`{choice}`" for choice in get_args(kind))
        if get_origin(kind) is dict or section_of(kind) is not None:
            return "table"
        return _WORDS[kind]


_WORDS = {str: "text", int: "whole number", float: "number", Decimal: "number", bool: "true or false", Path: "path", SecretStr: "secret"}


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation names, if it is one."""
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def leaves(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[Leaf]:
    """Every setting, in the order of declaration."""
    for name, field in model.model_fields.items():
        section = section_of(field.annotation)
        if section is None:
            yield Leaf(prefix + name, field)
        else:
            yield from leaves(section, f"{prefix}{name}.")

"""Every field of an Avro schema at every depth, with its path. Names are resolved as Avro 1.11 says (specification, "Names")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

PROPERTY: Final = "streamgate"
PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_NAMED: Final = frozenset({"record", "error", "enum", "fixed"})


@dataclass(frozen=True, slots=True)
class Walk:
    """What a schema consists of. In a path ``[]`` stands for the items of an array, ``{}`` for the values of a map."""

    fields: tuple[tuple[str, Mapping[str, Any]], ...]
    """Path and definition of each field, in schema order; a path comes twice where two branches of a union have it."""
    maps: frozenset[str]
    """Paths at which a map stands."""
    unknown: tuple[tuple[str, str], ...]
    """Paths that were not entered, and why: what is below has no rules, and so never leaves."""


def walk(definition: Mapping[str, Any]) -> Walk:
    """Walk a record schema."""
    walker = _Walker()
    walker.enter(definition, "", "", ())
    return Walk(tuple(walker.fields), frozenset(walker.maps), tuple(walker.unknown))


@dataclass(slots=True)
class _Walker:
    fields: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    maps: set[str] = field(default_factory=set)
    unknown: list[tuple[str, str]] = field(default_factory=list)
    named: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Definitions by full name, as far as they were read: Avro allows no reference before its definition."""

    def enter(self, schema: Any, path: str, namespace: str, inside: tuple[str, ...]) -> None:
        """``namespace`` is the enclosing one; ``inside`` are the full names of the records that are being walked."""
        if isinstance(schema, list):
            for branch in schema:
                self.enter(branch, path, namespace, inside)
        elif isinstance(schema, str):
            self._reference(schema, path, namespace, inside)
        elif isinstance(schema, Mapping):
            self._definition(schema, path, namespace, inside)

    def _definition(self, schema: Mapping[str, Any], path: str, namespace: str, inside: tuple[str, ...]) -> None:
        kind = schema.get("type")
        if kind == "array":
            self.enter(schema["items"], path + "[]", namespace, inside)
        elif kind == "map":
            self.maps.add(path)
            self.enter(schema["values"], path + "{}", namespace, inside)
        elif isinstance(kind, str) and kind in _NAMED:
            full = _full_name(schema, namespace)
            self.named[full] = schema
            self._named(full, path, inside)
        else:
            self.enter(kind, path, namespace, inside)

    def _reference(self, name: str, path: str, namespace: str, inside: tuple[str, ...]) -> None:
        if name in PRIMITIVES:
            return
        candidates = (name,) if "." in name else (f"{namespace}.{name}", name)
        full = next((each for each in candidates if each in self.named), None)
        if full is None:
            self.unknown.append((path, f"refers to {name}, which is not defined before"))
        else:
            self._named(full, path, inside)

    def _named(self, full: str, path: str, inside: tuple[str, ...]) -> None:
        schema = self.named[full]
        if schema["type"] not in {"record", "error"}:
            return
        if full in inside:
            self.unknown.append((path, f"is {full} inside itself; write it out to the depth that is needed"))
            return
        for each in schema["fields"]:
            below = f"{path}.{each['name']}" if path else each["name"]
            self.fields.append((below, each))
            self.enter(each["type"], below, full.rpartition(".")[0], (*inside, full))


def _full_name(schema: Mapping[str, Any], namespace: str) -> str:
    name = str(schema["name"])
    if "." in name:
        return name
    own = schema.get("namespace", namespace)
    return f"{own}.{name}" if own else name


def above(path: str) -> str | None:
    """The field that a field stands in."""
    parent = path.rpartition(".")[0].rstrip("[]{}")
    return parent or None

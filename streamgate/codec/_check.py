"""``schema check`` and ``schema approve``: what may be used, as values.

Compatibility is BACKWARD: a worker with the new schema reads records of the old one, since both live together and each is read with its own
writer schema; producers may lag. So a field may be added with a default or removed, and may not change its type, lose its default, or
change its role.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from streamgate.codec._lock import Lock
from streamgate.codec._rules import mistakes, weaker
from streamgate.codec._schema import Schema
from streamgate.codec._set import read_directory
from streamgate.codec._walk import PROPERTY, above, walk
from streamgate.errors import Code, SchemaRejected


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a schema may not be used."""

    kind: str
    """``annotation``, ``incompatible``, ``weaker`` or ``lock``."""
    place: str
    """Topic, version and field path."""
    text: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.place}: {self.text}"


def annotation_problems(schema: Schema) -> list[Problem]:
    """Fields without a usable annotation."""
    walked = walk(schema.definition)
    found = [Problem("annotation", f"{schema.topic}/v{schema.version} {path}", reason) for path, reason in walked.unknown]
    for path, field in walked.fields:
        annotation = field.get(PROPERTY)
        place = f"{schema.topic}/v{schema.version} {path}"
        if not isinstance(annotation, Mapping):
            found.append(Problem("annotation", place, "has no streamgate property; say what happens to it (drop it, if nothing needs it)"))
            continue
        found += [Problem("annotation", place, text) for text in mistakes(annotation)]
        outer = None if (parent := above(path)) is None else schema.rules.get(parent)
        if outer is not None and outer.action in {"drop", "seal"} and annotation.get("action") not in {"drop", outer.action}:
            found.append(Problem("annotation", place, f"stands inside {parent}, which is {outer.action}; annotate both the same"))
    return found


def incompatible(old: Schema, new: Schema) -> list[Problem]:
    """What keeps a reader of ``new`` from reading what ``old`` wrote."""
    before = dict(walk(old.definition).fields)
    found: list[Problem] = []
    for path, field in walk(new.definition).fields:
        place = f"{new.topic}/v{new.version} {path}"
        earlier = before.get(path)
        if earlier is None:
            parent = path.rpartition(".")[0].replace("[]", "").replace("{}", "")
            if "default" not in field and (not parent or parent in {p.replace("[]", "").replace("{}", "") for p in before}):
                found.append(Problem("incompatible", place, "is new and has no default; give it one"))
            continue
        if _shape(earlier["type"]) != _shape(field["type"]):
            found.append(Problem("incompatible", place, "changed its type; add a field under a new name instead"))
        if "default" in earlier and "default" not in field:
            found.append(Problem("incompatible", place, "lost its default; put it back"))
    roles = {rule.role: path for path, rule in old.rules.items() if rule.role}
    for role, path in roles.items():
        if not any(rule.role == role for rule in new.rules.values()):
            found.append(Problem("incompatible", f"{new.topic}/v{new.version}", f"no field has the role {role} any more; {path} had it"))
    return found


def _shape(kind: Any) -> Any:
    """A type without names, docs and annotations; of a record only that it is one, since its fields are compared by path."""
    if isinstance(kind, list):
        return [_shape(each) for each in kind]
    if isinstance(kind, Mapping):
        inner = kind.get("type")
        if inner == "record":
            return kind.get("name")
        return {
            name: _shape(value) for name, value in kind.items() if name in {"type", "items", "values", "symbols", "size", "logicalType"}
        }
    return kind


def weakened(old: Schema, new: Schema) -> list[Problem]:
    """Fields that the new version protects less than the old one."""
    return [
        Problem(
            "weaker",
            f"{new.topic}/v{new.version} {path}",
            f"{rule.action} after {old.rules[path].action} protects less; approve it with --allow-weaker",
        )
        for path, rule in new.rules.items()
        if path in old.rules and weaker(old.rules[path], rule)
    ]


def check(directory: Path) -> list[Problem]:
    """Everything that is wrong with a folder of schemas; empty when all may be used."""
    lock = Lock.read(directory)
    found = _problems(directory, lock)
    for topic, versions in read_directory(directory).items():
        for number, schema in versions.items():
            if not lock.approves(topic, schema.sha256):
                text = "differs from what was approved" if f"v{number}" in lock.schemas.get(topic, {}) else "was never approved"
                found.append(Problem("lock", f"{topic}/v{number}", f"{text}; review it and run `streamgate schema approve`"))
    return found


def _problems(directory: Path, lock: Lock) -> list[Problem]:
    found: list[Problem] = []
    for topic, versions in read_directory(directory).items():
        ordered = [versions[number] for number in sorted(versions)]
        for schema in ordered:
            found += annotation_problems(schema)
        for old, new in pairwise(ordered):
            found += incompatible(old, new)
            if not lock.approves(topic, new.sha256):
                found += weakened(old, new)
        approved = lock.schemas.get(topic, {})
        for number, schema in versions.items():
            if approved.get(f"v{number}", schema.sha256) != schema.sha256:
                text = "was approved with other content; add a new version instead of changing this one"
                found.append(Problem("weaker", f"{topic}/v{number}", text))
    return found


def approve(directory: Path, *, allow_weaker: bool = False) -> Path:
    """Write the lock for the folder as it is; raise ``SchemaRejected`` where something may not be approved."""
    lock = Lock.read(directory)
    found = [problem for problem in _problems(directory, lock) if problem.kind != "weaker" or not allow_weaker]
    if found:
        raise SchemaRejected(Code.SCHEMA_NOT_APPROVED, tuple(str(problem) for problem in found))
    schemas = {
        topic: {f"v{number}": schema.sha256 for number, schema in versions.items()} for topic, versions in read_directory(directory).items()
    }
    return Lock(schemas, lock.registry).write(directory)

"""All schemas of an installation, by topic, version and fingerprint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from streamgate.codec._lock import Lock
from streamgate.codec._rules import strictest
from streamgate.codec._schema import Schema
from streamgate.errors import Code, SchemaRejected, Unreadable
from streamgate.types import SCHEMA_TOPICS

_VERSION: Final = re.compile(r"v(\d+)\.avsc")


def packaged_schemas() -> Path:
    """The schemas that streamgate ships: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "schemas"
    return inside if inside.is_dir() else package.parent / "schemas"


def read_directory(directory: Path) -> dict[str, dict[int, Schema]]:
    """Every schema under ``<topic>/v<number>.avsc``."""
    found: dict[str, dict[int, Schema]] = {}
    for path in sorted(directory.glob("*/v*.avsc")):
        match = _VERSION.fullmatch(path.name)
        if match:
            number = int(match[1])
            found.setdefault(path.parent.name, {})[number] = Schema.parse(path.parent.name, path.read_text(encoding="utf-8"), number)
    return found


@dataclass(frozen=True, slots=True)
class SchemaSet:
    """Approved schemas only. Old and new versions live together."""

    topics: Mapping[str, Mapping[int, Schema]]
    lock: Lock

    @classmethod
    def load(cls, directory: Path) -> SchemaSet:
        """Read a folder; raise ``SchemaRejected`` where anything in it is not in the lock."""
        topics, lock = read_directory(directory), Lock.read(directory)
        if not topics:
            raise SchemaRejected(Code.UNKNOWN_SCHEMA, ("schemas.directory: holds no <topic>/v1.avsc",))
        missing = tuple(
            f"{topic}/v{number}: not in the lock"
            for topic, versions in topics.items()
            for number, schema in versions.items()
            if not lock.approves(topic, schema.sha256)
        )
        if missing:
            raise SchemaRejected(Code.SCHEMA_NOT_APPROVED, missing)
        return cls(topics, lock)

    def latest(self, topic: str) -> Schema:
        """The newest version; what we write."""
        versions = self._versions(topic)
        if not versions:
            raise SchemaRejected(Code.UNKNOWN_SCHEMA, (f"{topic}: there is no schema",))
        return versions[max(versions)]

    def by_fingerprint(self, topic: str, fingerprint: bytes) -> Schema:
        """The schema a record was written with. Two that differ in annotations alone share a fingerprint: the strictest rules win."""
        same = [schema for schema in self._versions(topic).values() if schema.fingerprint == fingerprint]
        if not same:
            raise Unreadable(Code.UNKNOWN_SCHEMA)
        chosen = same[-1]
        if len(same) == 1:
            return chosen
        # A path that one of them does not annotate is left out of all: dropped.
        rules = dict(chosen.rules)
        for other in same[:-1]:
            rules = {path: strictest(rule, other.rules[path]) for path, rule in rules.items() if path in other.rules}
        return replace(chosen, rules=rules)

    def approve_text(self, topic: str, text: str) -> Schema:
        """A schema from a registry; raise ``Unreadable`` where it was not approved."""
        try:
            schema = Schema.parse(SCHEMA_TOPICS.get(topic, topic), text)
        except SchemaRejected:
            raise Unreadable(Code.UNKNOWN_SCHEMA) from None
        if not self.lock.approves(schema.topic, schema.sha256):
            raise Unreadable(Code.SCHEMA_NOT_APPROVED)
        return schema

    def _versions(self, topic: str) -> Mapping[int, Schema]:
        return self.topics.get(SCHEMA_TOPICS.get(topic, topic), {})

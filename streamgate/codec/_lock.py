"""The lock: which schemas, annotations included, an operator has approved.

``lock.json`` maps topics to versions to SHA-256 over the annotated schema, and lists approved schemas that are only in a registry::

    {"format": 1, "schemas": {"prompts": {"v1": "<sha256>"}}, "registry": {"prompts": ["<sha256>"]}}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from streamgate.errors import Code, SchemaRejected

LOCK_FILE: Final = "lock.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Lock:
    """Approved digests."""

    schemas: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    registry: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def approves(self, topic: str, sha256: str) -> bool:
        """Whether this very schema was approved for the topic."""
        return sha256 in self.schemas.get(topic, {}).values() or sha256 in self.registry.get(topic, ())

    @classmethod
    def read(cls, directory: Path) -> Lock:
        """From the folder; an absent lock approves nothing."""
        path = directory / LOCK_FILE
        if not path.exists():
            return cls()
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["format"] != FORMAT:
                raise ValueError  # noqa: TRY301  one way out for every way to be no lock
            registry = {topic: tuple(digests) for topic, digests in document.get("registry", {}).items()}
            return cls({topic: dict(versions) for topic, versions in document["schemas"].items()}, registry)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SchemaRejected(Code.SCHEMA_NOT_APPROVED, (f"{LOCK_FILE}: not a lock of format {FORMAT}",)) from None

    def write(self, directory: Path) -> Path:
        """Into the folder."""
        path = directory / LOCK_FILE
        document = {
            "format": FORMAT,
            "schemas": {topic: dict(sorted(versions.items())) for topic, versions in sorted(self.schemas.items())},
            "registry": {topic: sorted(digests) for topic, digests in sorted(self.registry.items())},
        }
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        return path

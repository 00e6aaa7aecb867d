"""Golden vectors of what is published: bytes that older and newer versions must both read.

A change here is a change of format: add a new version, and keep reading the old one.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from streamgate.codec import SchemaSet, encode, packaged_schemas, parse_frame

VECTORS: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "published_vectors.json").read_text(encoding="utf-8"))
SCHEMAS: Final = SchemaSet.load(packaged_schemas())


def _revived(record: dict[str, Any]) -> dict[str, Any]:
    """JSON has neither bytes nor decimals: ``{"hex": …}`` and ``{"decimal": …}`` stand for them."""
    makes = {"hex": bytes.fromhex, "decimal": Decimal}
    return {
        name: makes[kind](value[kind]) if isinstance(value, dict) and (kind := next(iter(value), "")) in makes else value
        for name, value in record.items()
    }


@pytest.mark.parametrize("topic", sorted(VECTORS["topics"]))
def test_records_keep_their_bytes(topic: str) -> None:
    """Each topic's record encodes to the bytes on file, and these decode to the record."""
    vector = VECTORS["topics"][topic]
    schema, record, data = SCHEMAS.latest(topic), _revived(vector["record"]), bytes.fromhex(vector["bytes"])
    assert encode(schema, record) == data
    frame = parse_frame(data)
    assert SCHEMAS.by_fingerprint(topic, frame.fingerprint or b"").decode(frame.payload) == record


@pytest.mark.parametrize("topic", sorted(VECTORS["older"]))
def test_records_of_older_versions_are_read(topic: str) -> None:
    """A producer need not change when a version is added."""
    for vector in VECTORS["older"][topic]:
        frame = parse_frame(bytes.fromhex(vector["bytes"]))
        assert SCHEMAS.by_fingerprint(topic, frame.fingerprint or b"").decode(frame.payload) == _revived(vector["record"])


def test_every_topic_has_a_vector() -> None:
    """No format is published without one."""
    assert set(VECTORS["topics"]) == set(SCHEMAS.topics)

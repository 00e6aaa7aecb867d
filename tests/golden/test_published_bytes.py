"""Golden vectors of what is published and of vault's own rows: bytes that older and newer versions must both read.

A change here is a change of format: add a new version, and keep reading the old one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from streamgate.codec import SchemaSet, encode, packaged_schemas, parse_frame
from streamgate.errors import Code, Status
from streamgate.pipeline._context import RequestContext
from streamgate.pipeline._outcome import Outcome, Phase, Source

VECTORS: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "published_vectors.json").read_text(encoding="utf-8"))
SCHEMAS: Final = SchemaSet.load(packaged_schemas())
OUTCOME: Final = Outcome(
    phase=Phase.SETTLED,
    tenant="acme",
    subject_id="s-1",
    event_id="e-1",
    purpose="support",
    basis="contract",
    reply_topic="responses",
    model="gpt-4o-mini",
    incarnation=1,
    digest="00ff",
    arrived_ms=1,
    deadline_ms=2,
    opened_by=Source("prompts", 3),
    request_id="0a",
    traceparent=None,
    status=Status.ANSWERED,
    code=Code.OK,
    decided_by=Source("completions", 4),
    decided_ms=5,
    response_offset=6,
)
CONTEXT: Final = RequestContext("e-1", "s-1", b"\x01\x02", {"context.crm_link": "https://crm.example/1"})


def _revived(record: dict[str, Any]) -> dict[str, Any]:
    """JSON has no bytes: ``{"hex": …}`` stands for them."""
    return {
        name: bytes.fromhex(value["hex"]) if isinstance(value, dict) and set(value) == {"hex"} else value for name, value in record.items()
    }


@pytest.mark.parametrize("topic", sorted(VECTORS["topics"]))
def test_records_keep_their_bytes(topic: str) -> None:
    """Each topic's record encodes to the bytes on file, and these decode to the record."""
    vector = VECTORS["topics"][topic]
    schema, record, data = SCHEMAS.latest(topic), _revived(vector["record"]), bytes.fromhex(vector["bytes"])
    assert encode(schema, record) == data
    frame = parse_frame(data)
    assert SCHEMAS.by_fingerprint(topic, frame.fingerprint or b"").decode(frame.payload) == record


def test_every_topic_has_a_vector() -> None:
    """No format is published without one."""
    assert set(VECTORS["topics"]) == set(SCHEMAS.topics)


def test_outcome_rows_keep_their_bytes() -> None:
    """The outcome row before sealing."""
    assert OUTCOME.to_bytes() == VECTORS["outcome"].encode()
    assert Outcome.from_bytes(OUTCOME.to_bytes()) == OUTCOME


def test_request_contexts_keep_their_bytes() -> None:
    """What a request seals for its way back."""
    assert CONTEXT.to_bytes() == VECTORS["context"].encode()
    assert RequestContext.from_bytes(CONTEXT.to_bytes()) == CONTEXT

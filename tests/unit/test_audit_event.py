"""What an audit event accepts and what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fastavro
import pytest

from streamgate.audit import AuditEvent, AuditFact, known_name

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "audit-events" / "v1.avsc").read_text())
FILLED: dict[str, Any] = {
    "event_id": bytes(16),
    "at_ms": 1_700_000_000_000,
    "role": "vault",
    "fact": AuditFact.PROMPT_ACCEPTED,
    "reference": b"r" * 16,
    "request_id": b"q" * 16,
    "tenant": "acme",
    "purpose": "support",
    "basis": "legitimate_interests",
    "model": "gpt-4.1-mini",
    "code": "ok",
    "counts": {"PERSON": 2, "messages[].content": 1},
    "timings_ms": {"detect": 3},
    "cost": "0.000325 USD",
    "policy_version": "0a1b2c3d",
    "detector_version": "patterns-1+presidio-2.2.366",
    "provider_request_id": "req_abc123",
}


def test_the_facts_are_the_schemas_enum() -> None:
    """The closed set in code and the enum in the schema are equal, in the same order."""
    (symbols,) = [field["type"]["symbols"] for field in SCHEMA["fields"] if field["name"] == "fact"]
    assert [fact.value for fact in AuditFact] == symbols


def test_a_record_has_exactly_the_schemas_fields_and_encodes() -> None:
    """What ``record`` returns is a valid datum of the schema, with every field present."""
    record = AuditEvent(**FILLED).record()
    assert list(record) == [field["name"] for field in SCHEMA["fields"]]
    assert fastavro.validate(record, fastavro.parse_schema(SCHEMA))


def test_an_event_needs_no_optional_field() -> None:
    """Identifier, time, role and fact suffice."""
    event = AuditEvent(event_id=bytes(16), at_ms=0, role="notary", fact=AuditFact.SUBJECT_ENROLLED)
    assert event.record()["counts"] == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_id", b"short"),
        ("at_ms", -1),
        ("role", "somebody"),
        ("fact", "prompt_accepted "),
        ("reference", b"maria@example.org"),
        ("request_id", b""),
        ("tenant", "maria@example.org"),
        ("purpose", "call Maria Schmidt"),
        ("basis", "Because!"),
        ("model", "m\nodel"),
        ("code", "maria"),
        ("counts", {"maria@example.org": 1}),
        ("counts", {"+49 151 2345": 1}),
        ("counts", {"PERSON": -1}),
        ("counts", {"PERSON": True}),
        ("counts", {"PERSON": 1.5}),
        ("counts", {"x" * 65: 1}),
        ("timings_ms", {"detect": 2**63}),
        ("cost", "maria 1.5"),
        ("cost", "-1 USD"),
        ("cost", "0.0000000000001 USD"),
        ("policy_version", "maria@example.org"),
        ("detector_version", ""),
    ],
)
def test_what_is_not_of_the_form_is_refused_without_being_repeated(field: str, value: object) -> None:
    """A field that could carry a value of a record raises, and the message names the field only."""
    with pytest.raises(ValueError, match=f"^audit event: {field} is not of the form the audit log allows$"):
        AuditEvent(**(FILLED | {field: value}))


def test_an_odd_provider_request_id_is_left_out() -> None:
    """The provider chooses it, so it may be anything: it neither gets into the log nor stops the event."""
    assert AuditEvent(**(FILLED | {"provider_request_id": "Maria Schmidt <m@x.org>"})).record()["provider_request_id"] is None


def test_a_name_that_the_policy_does_not_know_is_no_name() -> None:
    """An unknown tenant's name is the sender's text."""
    assert known_name("acme", {"acme"}) == "acme"
    assert known_name("maria.schmidt", {"acme"}) is None
    assert known_name(None, {"acme"}) is None

"""Minimising: default deny, each action, and what bad prompts get."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from streamgate.client import Prompt
from streamgate.codec import Schema, SchemaSet, packaged_schemas
from streamgate.errors import Code, Refused, Unreadable
from streamgate.minimise import Limits, Minimised, Treatment, minimise, plan, read_envelope

SCHEMA = SchemaSet.load(packaged_schemas()).latest("prompts")
CONTEXT = {
    "customer_name": "Ana Li",
    "customer_email": "ana@example.com",
    "account_id": "A-1",
    "birth_date": date(1984, 3, 2),
    "postal_code": "28013",
    "order_total": 123.5,
    "card_number": "4111 1111 1111 1111",
    "case_notes": "called twice",
    "language": "es",
    "crm_link": "https://crm.example/1",
    "marketing_segment": "gold",
    "health_note": "asthma",
}


def record(**changes: Any) -> dict[str, Any]:
    """A prompt as it is decoded, with changes."""
    prompt = Prompt(tenant="acme", subject="s-1", purpose="support", messages=[("user", "hi")], context=CONTEXT)
    return SCHEMA.decode(SCHEMA.encode(prompt.record(1))) | changes


def minimised(changed: dict[str, Any], purpose: str = "support", **limits: int) -> Minimised:
    """What is left of a record."""
    return minimise(plan(SCHEMA, purpose), changed, Limits(**limits))


def message(role: str = "user", text: str = "hi", kind: str = "text") -> dict[str, Any]:
    """One message as the schema has it."""
    return {"role": role, "content": [{"type": kind, "text": text}], "tool_call_id": None}


def test_each_action_does_what_it_says() -> None:
    """Every action that needs no key leaves what it promises, and what needs a key is marked for vault."""
    left = minimised(record())
    context = {segment.path: (segment.treatment, segment.text) for segment in left.context}
    assert context == {
        "context.customer_name": (Treatment.TOKENISE, "Ana Li"),
        "context.customer_email": (Treatment.TOKENISE, "ana@example.com"),
        "context.account_id": (Treatment.PSEUDONYMISE, "A-1"),
        "context.birth_date": (Treatment.PLAIN, "1980s"),
        "context.postal_code": (Treatment.PLAIN, "28…"),
        "context.order_total": (Treatment.PLAIN, "100-200"),
        "context.card_number": (Treatment.PLAIN, "**** **** **** 1111"),
        "context.case_notes": (Treatment.SCAN, "called twice"),
        "context.language": (Treatment.PLAIN, "es"),
    }
    assert left.sealed == {"context.crm_link": "https://crm.example/1"}
    assert left.dropped == 2


def test_a_field_for_another_purpose_is_dropped() -> None:
    """A field allowed for one purpose only reaches no other."""
    assert "context.health_note" in {segment.path for segment in minimised(record(), "clinical").context}
    assert "context.health_note" not in {segment.path for segment in minimised(record(), "support").context}


def test_a_field_without_a_rule_is_dropped_and_counted() -> None:
    """Default deny: what the schema does not mention stays behind."""
    left = minimised(record(nickname="Annie"))
    assert "Annie" not in json.dumps([segment.text for segment in left.context])
    assert left.dropped == 3


def test_producers_may_bring_their_own_record_type() -> None:
    """Roles make envelope and messages findable under any names; content may be a plain string."""
    fields = [("id", "event_id"), ("company", "tenant"), ("who", "subject"), ("why", "purpose")]
    chat = {
        "type": "record",
        "name": "Line",
        "fields": [
            {"name": "by", "type": "string", "streamgate": {"role": "message_role", "action": "keep"}},
            {"name": "says", "type": "string", "streamgate": {"role": "message_content", "action": "scan"}},
        ],
    }
    definition = {
        "type": "record",
        "name": "Own",
        "fields": [
            *({"name": name, "type": "string", "streamgate": {"role": role, "action": "keep"}} for name, role in fields),
            {"name": "chat", "type": {"type": "array", "items": chat}, "streamgate": {"role": "messages", "action": "keep"}},
        ],
    }
    schema = Schema.parse("prompts", json.dumps(definition))
    own = {"id": "e", "company": "acme", "who": "s", "why": "support", "chat": [{"by": "user", "says": "hello"}]}
    assert read_envelope(schema, own).subject.key() == b"acme\x1fs"
    left = minimise(plan(schema, "support"), own, Limits())
    assert [(m.role, [s.text for s in m.segments]) for m in left.messages] == [("user", ["hello"])]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"messages": []}, Code.EMPTY_PROMPT),
        ({"messages": [message(text="  ")]}, Code.EMPTY_PROMPT),
        ({"messages": [message(role="king")]}, Code.ROLE_NOT_ALLOWED),
        ({"messages": [message(kind="image_url")]}, Code.INVALID_FIELD),
        ({"messages": [message(text="x" * 300)]}, Code.OVERSIZE_PROMPT),
        ({"messages": [message()] * 4}, Code.OVERSIZE_PROMPT),
        ({"messages": [message(text="\ud800")]}, Code.INVALID_UTF8),
        ({"parameters": {"temperature": 9.0}}, Code.INVALID_FIELD),
        ({"parameters": {"max_output_tokens": 0}}, Code.INVALID_FIELD),
        ({"parameters": {"stop": ["a", "b", "c", "d", "e"]}}, Code.INVALID_FIELD),
    ],
)
def test_what_a_bad_prompt_gets(changes: dict[str, Any], code: Code) -> None:
    """Each kind of bad content is refused under its own code."""
    with pytest.raises(Refused) as raised:
        minimised(record(**changes) | {"context": None}, prompt_bytes=200, messages=3)
    assert raised.value.code is code


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"event_id": ""}, Unreadable, Code.MISSING_FIELD),
        ({"event_id": "x" * 129}, Unreadable, Code.INVALID_FIELD),
        ({"subject": "a\x1fb"}, Unreadable, Code.INVALID_FIELD),
        ({"purpose": ""}, Refused, Code.MISSING_FIELD),
        ({"deadline_at": -1}, Refused, Code.INVALID_FIELD),
    ],
)
def test_what_a_bad_envelope_gets(changes: dict[str, Any], error: type[Exception], code: Code) -> None:
    """Without an identity nobody can be answered; what else is wrong is refused."""
    with pytest.raises(error) as raised:
        read_envelope(SCHEMA, record(**changes))
    assert getattr(raised.value, "code", None) is code

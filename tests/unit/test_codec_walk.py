"""Every field of a schema is known by its path, however its type is named; what cannot be entered is a problem and lets nothing out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamgate.codec import Schema, annotation_problems
from streamgate.errors import Code, Refused
from streamgate.minimise import Limits, Minimised, Segment, Treatment, minimise, plan, read_envelope

KEEP, SCAN, DROP, SEAL = ({"action": action} for action in ("keep", "scan", "drop", "seal"))
PERSON = {"action": "tokenise", "entity": "PERSON"}
NAME = "Zoe Quill"


def said(name: str, kind: Any, annotation: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, **({} if annotation is None else {"streamgate": annotation}), **more}


def schema(*fields: dict[str, Any]) -> Schema:
    """A record of a producer's own, with what every prompt needs."""
    needed = [said(name, "string", KEEP | {"role": name}) for name in ("event_id", "tenant", "subject", "purpose")]
    text = said("text", "string", SCAN | {"role": "message_content"})
    messages = said(
        "messages", {"type": "array", "items": {"type": "record", "name": "Message", "fields": [text]}}, KEEP | {"role": "messages"}
    )
    definition = {"type": "record", "name": "Event", "namespace": "acme.crm", "fields": [*needed, messages, *fields]}
    return Schema.parse("prompts", json.dumps(definition), 1)


def left(made: Schema, purpose: str = "support", **values: Any) -> Minimised:
    """What minimising leaves, through the bytes of the schema."""
    event = {"event_id": "e", "tenant": "acme", "subject": "s", "purpose": purpose, "messages": [{"text": "hello"}], **values}
    return minimise(plan(made, purpose), made.decode(made.encode(event)), Limits())


def context(found: Minimised) -> list[tuple[str, str, str]]:
    return [(segment.path, segment.treatment.value, segment.text) for segment in found.context]


def problems(made: Schema) -> list[str]:
    return [problem.text for problem in annotation_problems(made)]


ADDRESS = {"type": "record", "name": "Address", "fields": [said("person", "string", PERSON)]}


@pytest.mark.parametrize("reference", ["acme.crm.Address", "Address", ["null", "Address"]])
def test_a_type_that_is_named_again_keeps_its_rules(reference: Any) -> None:
    """By its full name, or within its namespace: its fields are treated as they were annotated."""
    made = schema(said("billing", ADDRESS, KEEP), said("shipping", reference, KEEP))
    assert problems(made) == []
    found = left(made, billing={"person": NAME}, shipping={"person": NAME})
    assert context(found) == [("billing.person", "tokenise", NAME), ("shipping.person", "tokenise", NAME)]


def test_a_record_inside_itself_is_a_problem_and_lets_nothing_out() -> None:
    """Where the schema ends, so does what may leave."""
    person = {"type": "record", "name": "Person", "fields": [said("name", "string", KEEP), said("spouse", ["null", "Person"], KEEP)]}
    made = schema(said("person", person, KEEP))
    assert [text.partition(";")[0] for text in problems(made)] == ["is acme.crm.Person inside itself"]
    found = left(made, person={"name": "A", "spouse": {"name": NAME, "spouse": None}})
    assert context(found) == [("person.name", "plain", "A")]
    assert found.dropped == 1


def test_a_record_whose_fields_say_nothing_lets_nothing_out() -> None:
    """It is no map: what its own annotation says does not hold for fields that have none."""
    made = schema(said("person", {"type": "record", "name": "P", "fields": [said("name", "string", None)]}, KEEP))
    assert problems(made) == ["has no streamgate property; say what happens to it (drop it, if nothing needs it)"]
    found = left(made, person={"name": NAME})
    assert (context(found), found.dropped) == ([], 1)


def test_a_maps_values_are_treated_as_the_map_and_its_keys_stay() -> None:
    """Also values that are lists; fields of values that are records have rules of their own."""
    made = schema(
        said("tags", {"type": "map", "values": {"type": "array", "items": "string"}}, SCAN),
        said("people", {"type": "map", "values": ADDRESS}, KEEP),
    )
    found = left(made, tags={NAME: ["a", "b"]}, people={NAME: {"person": "Ann"}})
    assert context(found) == [("tags", "scan", "a"), ("tags", "scan", "b"), ("people{}.person", "tokenise", "Ann")]


@pytest.mark.parametrize(("annotation", "sealed"), [(DROP, {}), (SEAL, {"outer.name": NAME}), (KEEP | {"purposes": ["clinical"]}, {})])
def test_what_stands_in_a_record_is_never_let_out_further_than_the_record(annotation: dict[str, Any], sealed: dict[str, str]) -> None:
    """Dropped, sealed, or for another purpose: with everything in it."""
    made = schema(said("outer", {"type": "record", "name": "O", "fields": [said("name", "string", KEEP)]}, annotation))
    found = left(made, outer={"name": NAME})
    assert (context(found), dict(found.sealed)) == ([], sealed)
    if annotation in (DROP, SEAL):
        assert problems(made) == [f"stands inside outer, which is {annotation['action']}; annotate both the same"]


@pytest.mark.parametrize("annotation", [DROP, SCAN | {"purposes": ["clinical"]}])
def test_a_message_that_may_not_be_used_is_not(annotation: dict[str, Any]) -> None:
    """Purpose limitation holds for the text as for any field."""
    content = said("body", {"type": "array", "items": "string"}, annotation | {"role": "message_content"})
    items = {"type": "record", "name": "M2", "fields": [content]}
    needed = [said(name, "string", KEEP | {"role": name}) for name in ("event_id", "tenant", "subject", "purpose")]
    fields = [*needed, said("said", {"type": "array", "items": items}, KEEP | {"role": "messages"})]
    made = Schema.parse("prompts", json.dumps({"type": "record", "name": "E", "fields": fields}), 1)
    event = {"event_id": "e", "tenant": "acme", "subject": "s", "purpose": "support", "said": [{"body": ["text"]}]}
    with pytest.raises(Refused) as caught:
        minimise(plan(made, "support"), event, Limits())
    assert caught.value.code is Code.EMPTY_PROMPT
    if annotation != DROP:
        (message,) = minimise(plan(made, "clinical"), event, Limits()).messages
        assert message.segments == (Segment("said[].body", Treatment.SCAN, "text"),)


def test_of_two_branches_the_stricter_rule_holds() -> None:
    """A union of records that have a field of one name: a value does not tell which branch it came by."""
    one = {"type": "record", "name": "One", "fields": [said("name", "string", PERSON)]}
    two = {"type": "record", "name": "Two", "fields": [said("name", "string", KEEP)]}
    assert schema(said("who", [one, two], KEEP)).rules["who.name"].action == "tokenise"


def test_what_the_schema_protects_is_told_with_its_raw_value() -> None:
    """So that it can be looked for in free text; no text shows in a repr."""
    made = schema(
        said("who", "string", PERSON),
        said("link", "string", SEAL),
        said("card", "string", {"action": "mask", "keep_last": 4}),
        said("town", "string", {"action": "generalise", "how": "prefix", "size": 1}),
        said("note", "string", SCAN),
    )
    found = left(made, who=NAME, link="crm/9", card="4111", town="Brackwater", note="hi")
    assert found.marked == ((NAME, "PERSON"), ("crm/9", None), ("4111", None), ("Brackwater", None))
    assert NAME not in repr(found)


@pytest.mark.parametrize("seed", [2**31, -(2**31) - 1, 4111111111111111])
def test_a_seed_is_no_place_for_a_card(seed: int) -> None:
    """It goes out as it is, so it is bounded."""
    parameters = {"type": "record", "name": "Parameters", "fields": [said("seed", "long", KEEP)]}
    made = schema(said("parameters", parameters, KEEP | {"role": "parameters"}))
    with pytest.raises(Refused) as caught:
        left(made, parameters={"seed": seed})
    assert caught.value.code is Code.INVALID_FIELD
    assert left(made, parameters={"seed": 2**31 - 1}).parameters.seed == 2**31 - 1


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", False),
        ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", False),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", False),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", False),
        ("Jane Doe, 12 High St, +44 20 7946 0958", False),
    ],
)
def test_a_trace_context_is_one_or_none(given: str, read: bool) -> None:  # noqa: FBT001
    """W3C Trace Context: any other text would pass the masking."""
    made = schema(said("traceparent", "string", KEEP | {"role": "traceparent"}))
    event = {"event_id": "e", "tenant": "acme", "subject": "s", "purpose": "support", "traceparent": given}
    assert read_envelope(made, event).traceparent == (given if read else None)

"""Redact: what is let through, what is refused under which code, and what a second copy gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streamgate.codec import encode
from streamgate.detect import EntityType, Span
from streamgate.errors import Code, Status
from streamgate.minimise import Limits
from streamgate.pipeline._issue import LARGEST_REQUEST_BYTES
from streamgate.pipeline._original import LARGEST_ORIGINAL_BYTES
from streamgate.pipeline._outcome import Phase
from streamgate.pipeline.ports.stage import Effects
from streamgate.telemetry import DeadLettered, LatencyAdded, PromptAccepted
from streamgate.types import Parameters, Topic
from tests.fakes.pipeline import FOR_EVER, MODEL, NAME, OPENER, Vault, facts, on, schemas


def ending(effects: Effects, topic: str = "responses") -> tuple[str, str]:
    """Status and code of the one response."""
    (response,) = on(effects, topic)
    return response["status"], response["code"]


async def test_what_the_detector_found_leaves_as_a_token() -> None:
    """The request holds the text without the value, and the seal that leads back to it."""
    it = Vault()
    effects = await it.handle(it.redact, it.prompt())
    (request,) = on(effects, Topic.REQUESTS)
    said = request["messages"][-1]["content"]
    assert said.startswith("Please answer [PERSON_")
    assert all(NAME.encode() not in (output.value or b"") for output in effects.outputs)
    assert (request["model"], request["purpose"], request["detector_version"]) == (MODEL, "support", "fake-1")
    assert facts(effects) == ["subject_enrolled", "prompt_accepted"]
    assert [type(fact) for fact in effects.facts] == [PromptAccepted, LatencyAdded]
    outcome = it.outcome()
    assert outcome is not None
    assert (outcome.phase, outcome.request_id) == (Phase.OPEN, request["request_id"].hex())


async def test_state_holds_nothing_in_the_clear() -> None:
    """Neither a row's key nor its value shows the text, the subject or the event."""
    it = Vault()
    await it.handle(it.redact, it.prompt())
    rows = b"".join(key + value for key, value in it.state.rows.items())
    assert not [word for word in (NAME, "anna", "event-1") if word.encode() in rows]


async def test_a_second_prompt_of_the_same_subject_uses_the_same_key() -> None:
    """A data subject is enrolled once; both requests carry the same reference."""
    it = Vault()
    first = await it.accepted()
    effects = await it.handle(it.redact, it.prompt(event_id="event-2"))
    assert on(effects, Topic.REQUESTS)[0]["reference"] == first["reference"]
    assert facts(effects) == ["prompt_accepted"]
    assert it.vault.key_count(it.digest) == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"purpose": "unheard"}, Code.UNKNOWN_PURPOSE),
        ({"model": "gpt-unheard"}, Code.UNKNOWN_MODEL),
        ({"purpose": "marketing"}, Code.NO_CONSENT),
        ({"text": "  "}, Code.EMPTY_PROMPT),
        ({"text": "x" * 1_001}, Code.OVERSIZE_PROMPT),
        ({"messages": [("owner", "hello")]}, Code.ROLE_NOT_ALLOWED),
        ({"parameters": Parameters(stop=(NAME,))}, Code.INVALID_FIELD),
    ],
)
async def test_a_prompt_that_is_not_let_through_is_refused_by_its_code(fields: dict[str, Any], code: Code) -> None:
    """One response, one audit event, no request."""
    it = Vault()
    effects = await it.handle(it.redact, it.prompt(**fields))
    assert ending(effects) == ("refused", code.value)
    assert facts(effects) == ["prompt_refused"]
    assert not on(effects, Topic.REQUESTS)
    outcome = it.outcome()
    assert outcome is not None
    assert (outcome.phase, outcome.status, outcome.code) == (Phase.SETTLED, Status.REFUSED, code)


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"tenant": "nobody"}, Code.UNKNOWN_TENANT), ({"reply_topic": "responses.globex"}, Code.REPLY_TOPIC_NOT_ALLOWED)],
)
async def test_who_may_not_be_answered_in_full_gets_event_id_and_code_only(fields: dict[str, Any], code: Code) -> None:
    """On the default topic; subject and purpose are not repeated, not as the record's key either, and no state is kept."""
    it = Vault()
    effects = await it.handle(it.redact, it.prompt(**fields))
    (response,) = on(effects, "responses")
    assert (response["event_id"], response["code"]) == ("event-1", code.value)
    assert (response["tenant"], response["subject"], response["purpose"]) == (None, None, None)
    assert [output.key for output in effects.outputs if output.topic == "responses"] == [None]
    assert not it.state.rows


async def test_an_unreadable_envelope_field_is_answered_with_its_code() -> None:
    """The identity can be read, the purpose cannot: refused and dead-lettered, no state."""
    it = Vault()
    effects = await it.handle(it.redact, it.prompt(purpose=""))
    assert ending(effects) == ("refused", "missing_field")
    assert len(on(effects, Topic.DEAD_LETTERS)) == 1
    assert not it.state.rows


async def test_a_deadline_that_has_passed_fails_the_prompt() -> None:
    """It is not looked at by the detector any more."""
    it = Vault()
    effects = await it.handle(it.redact, it.prompt(deadline_ms=it.clock.now_ms()))
    assert ending(effects) == ("failed", "deadline_exceeded")
    assert facts(effects) == ["prompt_failed"]
    assert not it.detector.asked


async def test_a_deadline_is_cut_to_what_the_purpose_allows() -> None:
    """Whatever the producer asks for."""
    it = Vault()
    request = await it.accepted(it.prompt(deadline_ms=it.clock.now_ms() + 10**9))
    assert request["deadline_at"] == it.clock.now_ms() + 900_000


@pytest.mark.parametrize(
    ("change", "code"),
    [({"key": b"acme\x1fother"}, Code.BAD_KEY), ({"key": None}, Code.BAD_KEY), ({"partition": 1}, Code.WRONG_PARTITION)],
)
async def test_a_prompt_where_its_subject_is_not_decided_is_dead_lettered(change: dict[str, Any], code: Code) -> None:
    """Its event id is answered, its original is sealed, and it has no outcome."""
    it = Vault()
    record = replace(it.prompt(), **change)
    effects = await it.handle(it.redact, record)
    assert ending(effects) == ("refused", code.value)
    (letter,) = on(effects, Topic.DEAD_LETTERS)
    assert letter["code"] == code.value
    original = OPENER.open(letter["sealed"], f"prompts\x1f{record.partition}\x1f{record.offset}".encode())
    assert (record.value or b"") in original
    assert not it.state.rows


@pytest.mark.parametrize(("value", "code"), [(b"{}", Code.NOT_AVRO), (None, Code.NOT_AVRO), (b"\xc3\x01" + bytes(8), Code.UNKNOWN_SCHEMA)])
async def test_what_cannot_be_read_is_dead_lettered_without_an_answer(value: bytes | None, code: Code) -> None:
    """Nobody is known who could be answered."""
    it = Vault()
    effects = await it.handle(it.redact, replace(it.prompt(), value=value))
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == [code.value]
    assert not on(effects, "responses")
    assert effects.facts == (DeadLettered("prompts", code),)


async def test_a_prompt_whose_request_the_topics_would_not_take_is_refused() -> None:
    """A send that can never succeed would stop the worker, at every restart again."""
    it = Vault()
    redact = replace(it.redact, limits=Limits(prompt_bytes=3_000_000))
    it.detector.values = {"a@b.co": EntityType.EMAIL}
    effects = await it.handle(redact, it.prompt("a@b.co " + "x" * LARGEST_REQUEST_BYTES))
    assert ending(effects) == ("refused", "oversize_prompt")


async def test_an_original_that_no_dead_letter_has_room_for_is_kept_by_its_size() -> None:
    """Its key and headers are sealed; the value is left where it stands."""
    it = Vault()
    record = replace(it.prompt(), value=b"x" * (LARGEST_ORIGINAL_BYTES + 1))
    effects = await it.handle(it.redact, record)
    (letter,) = on(effects, Topic.DEAD_LETTERS)
    assert letter["size_bytes"] == LARGEST_ORIGINAL_BYTES + 1
    assert len(letter["sealed"]) < 1_000


async def test_a_poisoned_prompt_is_answered() -> None:
    """Our own fault ends the prompt as any other failure does, once."""
    it = Vault()
    record = it.prompt()
    effects = it.redact.poisoned(record).decide(0, it.state)
    assert [(response["status"], response["code"]) for response in on(effects, "responses")] == [("failed", "internal_error")]
    it.state.apply(effects.rows)
    assert facts(it.redact.poisoned(it.prompt()).decide(0, it.state)) == ["prompt_copy"]


@pytest.mark.parametrize("value", [b"{}", b"\x00\x00\x00\x00\x01rest", None])
async def test_a_poisoned_record_whose_envelope_cannot_be_read_is_dead_lettered(value: bytes | None) -> None:
    """Also where its schema would have to be asked for: what failed once is not asked again."""
    it = Vault()
    effects = it.redact.poisoned(replace(it.prompt(), value=value)).decide(0, it.state)
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["internal_error"]
    assert not on(effects, "responses")


async def test_a_prompt_that_fails_again_when_it_is_ended_is_dead_lettered() -> None:
    """A subject's state that cannot be read must not stop its partition."""
    it = Vault()
    record = it.prompt()
    await it.handle(it.redact, record)
    for key in list(it.state.rows):
        it.state.rows[key] = b"\x00"
    effects = it.redact.poisoned(record).decide(0, it.state)
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["internal_error"]


async def test_context_is_treated_as_its_schema_says() -> None:
    """Tokenised, pseudonymised, generalised, masked, kept, carried under seal, or left behind."""
    it = Vault()
    context = {
        "customer_name": "Maria",
        "account_id": "4711",
        "postal_code": "10115",
        "card_number": "4111111111111111",
        "product": "lamp",
        "crm_link": "crm/9",
        "marketing_segment": "gold",
    }
    request = await it.accepted(it.prompt(context=context))
    ours = request["messages"][0]
    assert ours["role"] == "system"
    assert "- product: lamp" in ours["content"]
    assert not [value for value in ("Maria", "4711", "10115", "4111111111111111", "crm/9", "gold") if value in ours["content"]]


async def test_what_the_schema_protects_does_not_stand_in_free_text_either() -> None:
    """Found by no detector: values of other fields and the subject's own id are masked where they stand, and refuse a stop sequence."""
    it = Vault()
    context = {"customer_name": "Xiadani Oyelaran", "account_id": "ZK-77-QX", "crm_link": "crm://p/881"}
    prompt = it.prompt("Tell Oyelaran (ZK-77-QX, crm://p/881, anna) hello.", context=context)
    request = await it.accepted(prompt)
    sent = "\n".join(message["content"] for message in request["messages"])
    assert not [value for value in ("Oyelaran", "ZK-77", "p/881", "anna") if value in sent]
    answer = on(await it.handle(it.restore, it.completion(request)), "responses")[0]
    assert answer["text"] == "Tell Oyelaran (ZK-77-QX, crm://p/881, anna) hello."
    stopping = it.prompt("Hello.", context=context, parameters=Parameters(stop=("Oyelaran",)), event_id="event-2")
    assert ending(await it.handle(it.redact, stopping)) == ("refused", "invalid_field")


async def test_a_stop_sequence_is_looked_at_by_the_detector() -> None:
    """It would be sent as it is."""
    it = Vault()
    await it.accepted(it.prompt(parameters=Parameters(stop=("END",))))
    assert "END" in it.detector.asked[0]


async def test_spans_belong_to_their_own_text() -> None:
    """Two messages are masked each by its own findings."""
    it = Vault()
    it.detector.answers_with = [(), (Span(0, 5, EntityType.PERSON, 1.0, "fake"),)]
    request = await it.accepted(it.prompt(messages=[("user", "Hello there"), ("user", "Maria")]))
    assert request["messages"][-2]["content"] == "Hello there"
    assert request["messages"][-1]["content"].startswith("[PERSON_")


async def test_the_prompt_of_an_erased_subject_from_before_is_refused() -> None:
    """Below the fence nothing is processed again; above it the subject is enrolled anew."""
    it = Vault()
    it.freshness.ends = {"prompts": 5}
    await it.handle(it.requests, it.request("erase"))
    assert ending(await it.handle(it.redact, it.prompt())) == ("refused", "subject_erased")
    effects = await it.handle(it.redact, replace(it.prompt(event_id="event-2"), offset=5))
    assert facts(effects) == ["subject_enrolled", "prompt_accepted"]
    assert it.freshness.until_ms == FOR_EVER


async def test_a_schema_that_lacks_the_identity_is_unreadable() -> None:
    """An empty event id answers nobody."""
    it = Vault()
    record = it.prompt()
    frame = {"event_id": "", "tenant": "acme", "subject": "anna", "purpose": "support", "created_at": 0, "messages": []}
    value = encode(schemas().latest(Topic.PROMPTS), frame)
    effects = await it.handle(it.redact, replace(record, value=value))
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["missing_field"]
    assert not on(effects, "responses")

"""Subject requests: what an erasure destroys, ends and forbids, and what an export lists."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from streamgate.pipeline.subject_requests import FOREVER
from streamgate.telemetry import SubjectRightExercised
from streamgate.types import Topic
from tests.fakes.pipeline import NAME, Vault, facts, on


def document(effects: Any) -> dict[str, Any]:
    (result,) = on(effects, Topic.SUBJECT_RESULTS)
    found: dict[str, Any] = json.loads(result["document"])
    return found


async def test_an_erasure_destroys_every_key_and_reference() -> None:
    """GDPR Art. 17: what is sealed under the key is unreadable from then on."""
    it = Vault()
    request = await it.accepted()
    await it.handle(it.consents, it.consent("hr", "withdraw"))
    effects = await it.handle(it.requests, it.request("erase"))
    assert it.vault.key_count(it.digest) == 0
    assert it.vault.referenced(request["reference"]) is None
    assert not it.vault.consents(it.digest).latest
    assert document(effects)["destroyed"] == {
        "keys": 1,
        "references": 1,
        "decisions": 1,
        "outcomes_forgotten": 0,
        "prompts_stopped": 1,
    }


async def test_an_erasure_ends_open_prompts() -> None:
    """Each gets its one response, and the audit log the erasure last."""
    it = Vault()
    await it.accepted()
    effects = await it.handle(it.requests, it.request("erase"))
    assert [(response["status"], response["code"]) for response in on(effects, "responses")] == [("refused", "subject_erased")]
    assert facts(effects) == ["prompt_refused", "subject_erased"]
    assert effects.facts[-1] == SubjectRightExercised("erase")


async def test_an_erasure_forbids_the_reference_for_ever() -> None:
    """For every purpose; no approval reaches that offset."""
    it = Vault()
    request = await it.accepted()
    (standing,) = on(await it.handle(it.requests, it.request("erase")), Topic.STANDING)
    assert (standing["reference"], standing["purpose"], standing["consents_offset"]) == (request["reference"], None, FOREVER)


async def test_an_erasure_strips_ended_prompts() -> None:
    """Digest and code remain, so that a copy is still recognised; nothing else does."""
    it = Vault()
    await it.handle(it.restore, it.completion(await it.accepted()))
    effects = await it.handle(it.requests, it.request("erase"))
    assert document(effects)["destroyed"]["outcomes_forgotten"] == 1
    outcome = it.outcome()
    assert outcome is not None
    assert outcome.forgotten
    assert (outcome.subject_id, outcome.event_id, outcome.request_id, outcome.traceparent) == ("", "", "", None)


async def test_an_erasure_puts_fences_where_the_inputs_end() -> None:
    """They only grow."""
    it = Vault()
    it.freshness.ends = {"prompts": 5, "consents": 2}
    await it.handle(it.requests, it.request("erase"))
    it.freshness.ends = {"prompts": 9, "consents": 1}
    effects = await it.handle(it.requests, it.request("erase", "right-2"))
    assert document(effects)["refused_below"] == {"consents": 2, "prompts": 9}


async def test_somebody_never_seen_can_be_erased() -> None:
    """Prompts of theirs may be on their way."""
    it = Vault()
    it.freshness.ends = {"prompts": 5}
    effects = await it.handle(it.requests, it.request("erase"))
    assert not on(effects, Topic.STANDING)
    assert document(effects)["destroyed"]["keys"] == 0
    enrolment = it.vault.enrolment(it.digest)
    assert enrolment is not None
    assert (enrolment.incarnation, enrolment.fences) == (0, {"prompts": 5})


async def test_a_prompt_after_an_erasure_enrols_anew() -> None:
    """Under a new key and a new reference: nothing links the two."""
    it = Vault()
    before = await it.accepted()
    await it.handle(it.requests, it.request("erase"))
    after = await it.accepted(it.prompt(event_id="event-2"))
    assert after["reference"] != before["reference"]
    assert after["safety_identifier"] != before["safety_identifier"]


async def test_a_redelivered_erasure_tells_egress_again() -> None:
    """It may not have heard the first time; the receipt is written again too."""
    it = Vault()
    await it.accepted()
    record = it.request("erase")
    it.freshness.ends = {"subject-requests": record.offset + 1}
    first = await it.handle(it.requests, record)
    again = await it.handle(it.requests, record)
    assert on(again, Topic.STANDING) == on(first, Topic.STANDING)
    assert document(again)["request_id"] == "right-1"


async def test_a_redelivered_erasure_does_not_erase_who_came_back() -> None:
    """It stands below its own fence, so the new incarnation is not what it was about."""
    it = Vault()
    await it.accepted()
    record = it.request("erase")
    it.freshness.ends = {"subject-requests": record.offset + 1}
    await it.handle(it.requests, record)
    request = await it.accepted(it.prompt(event_id="event-2"))
    again = await it.handle(it.requests, record)
    assert it.vault.key_count(it.digest) == 1
    assert it.vault.referenced(request["reference"]) is not None
    assert not on(again, Topic.STANDING)


async def test_an_export_lists_what_is_held() -> None:
    """GDPR Art. 15: consents and every use; it changes nothing."""
    it = Vault()
    await it.handle(it.consents, it.consent("marketing", "grant"))
    await it.handle(it.restore, it.completion(await it.accepted()))
    before = dict(it.state.rows)
    effects = await it.handle(it.requests, it.request("export"))
    (result,) = on(effects, Topic.SUBJECT_RESULTS)
    assert (result["request_id"], result["kind"], result["subject"]) == ("right-1", "export", "anna")
    assert "marketing" in result["document"]
    assert '"answered"' in result["document"]
    assert NAME not in result["document"]
    assert it.state.rows == before
    assert facts(effects) == ["subject_exported"]


async def test_an_export_after_an_erasure_lists_no_use() -> None:
    """What was stripped points to nobody."""
    it = Vault()
    await it.handle(it.restore, it.completion(await it.accepted()))
    await it.handle(it.requests, it.request("erase"))
    effects = await it.handle(it.requests, it.request("export", "right-2"))
    assert '"answered"' not in on(effects, Topic.SUBJECT_RESULTS)[0]["document"]


@pytest.mark.parametrize(
    ("change", "code"), [({"key": b"acme\x1fother"}, "bad_key"), ({"partition": 1}, "wrong_partition"), ({"value": b"x"}, "not_avro")]
)
async def test_a_request_where_it_is_not_decided_is_dead_lettered(change: dict[str, Any], code: str) -> None:
    """Nothing is erased on another's behalf."""
    it = Vault()
    await it.accepted()
    effects = await it.handle(it.requests, replace(it.request("erase"), **change))
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == [code]
    assert it.vault.key_count(it.digest) == 1

"""Vault's use cases over fakes: every way a prompt can go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streamgate.config import init, load_policy
from streamgate.pipeline.ports.stage import Effects
from streamgate.pipeline.sweep import VaultSweep
from streamgate.types import Inbound, Subject, Topic
from tests.fakes.vault_role import RETENTION_MS, VaultRole, read

MARIA = Subject("acme", "s-1")


@pytest.fixture
def vault(tmp_path: Path) -> VaultRole:
    """The role, under the policy that ``init`` writes."""
    init(tmp_path)
    return VaultRole(load_policy(tmp_path / "policy.toml"))


def request_of(effects: Effects) -> dict[str, Any]:
    """The one request that was published."""
    (request,) = read(effects, Topic.REQUESTS)
    return request


def response_of(effects: Effects) -> dict[str, Any]:
    """The one response that was published."""
    (response,) = read(effects, Topic.RESPONSES)
    return response


def consent(vault: VaultRole, decision: str, purpose: str | None) -> Inbound:
    """A decision of Maria's."""
    fields = {
        "tenant": "acme",
        "subject": "s-1",
        "purpose": purpose,
        "decision": decision,
        "decided_at": vault.clock.now_ms(),
        "source": "t",
    }
    return vault.record(Topic.CONSENTS, MARIA, fields)


def right(vault: VaultRole, kind: str) -> Inbound:
    """A request of Maria's."""
    fields = {"request_id": "r-1", "tenant": "acme", "subject": "s-1", "kind": kind, "requested_at": vault.clock.now_ms()}
    return vault.record(Topic.SUBJECT_REQUESTS, MARIA, fields)


def test_a_prompt_leaves_masked_and_its_answer_comes_back_restored(vault: VaultRole) -> None:
    """The request holds tokens for what was detected; the response the values; the key's row is written before the request goes out."""
    accepted = vault.handle(vault.prompt())
    request = request_of(accepted)
    text = request["messages"][-1]["content"]
    assert "Maria" not in text
    assert "example.com" not in text
    assert any(row.key[:1] == b"K" for row in accepted.rows)
    ended = vault.handle(vault.completion(request, f"Dear {text.split()[2]} bye"))
    response = response_of(ended)
    assert (response["status"], response["code"]) == ("answered", "ok")
    assert response["text"].startswith("Dear Maria Gonzalez")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "profiling"}, "unknown_purpose"),
        ({"tenant": "nobody"}, "unknown_tenant"),
        ({"reply_topic": "elsewhere"}, "reply_topic_not_allowed"),
        ({"model": "gpt-0"}, "unknown_model"),
        ({"purpose": "marketing-drafts"}, "no_consent"),
        ({"messages": [("user", "")]}, "empty_prompt"),
        ({"messages": [("king", "x")]}, "role_not_allowed"),
        ({"deadline_ms": 1}, "deadline_exceeded"),
    ],
)
def test_what_is_not_let_through_gets_its_code_and_no_request(vault: VaultRole, changes: dict[str, Any], code: str) -> None:
    """Each refusal is one response with its code; nothing goes to egress."""
    effects = vault.handle(vault.prompt(**changes))
    assert response_of(effects)["code"] == code
    assert read(effects, Topic.REQUESTS) == []


def test_a_redelivered_prompt_asks_again_under_the_same_request_id(vault: VaultRole) -> None:
    """After a crash between row and request the same record issues the same request, so that nobody pays twice."""
    record = vault.prompt()
    first = request_of(vault.handle(record))
    again = request_of(vault.handle(record))
    assert again["request_id"] == first["request_id"]
    assert again["messages"] == first["messages"]


def test_a_copy_gets_nothing_more_and_other_content_is_dead_lettered(vault: VaultRole) -> None:
    """The same content under the same event id is counted; other content goes to dead-letters, sealed."""
    vault.handle(vault.prompt())
    stamp = vault.clock.now_ms()
    copy = vault.prompt()
    assert stamp == vault.clock.now_ms()
    effects = vault.handle(copy)
    assert read(effects, Topic.REQUESTS) + read(effects, Topic.RESPONSES) == []
    conflict = vault.handle(vault.prompt("something else"))
    (letter,) = read(conflict, Topic.DEAD_LETTERS)
    assert letter["code"] == "content_conflict"
    assert b"something" not in letter["sealed"]
    assert read(conflict, Topic.RESPONSES) == []


def test_a_detector_that_is_down_is_waited_for_and_never_passed(vault: VaultRole) -> None:
    """A prompt waits while the detector is down, and is refused at its deadline; no request goes out unmasked."""
    vault.detector.down_for = 3
    assert read(vault.handle(vault.prompt()), Topic.REQUESTS)
    vault.detector.down_for = 10_000
    refused = vault.handle(vault.prompt(event_id="e-2"))
    assert response_of(refused)["code"] == "detector_unavailable"
    assert read(refused, Topic.REQUESTS) == []


@pytest.mark.parametrize("value", [b"", b"not avro", b"\xc3\x01" + bytes(20), b"\x00\x00\x00\x00\x01"])
def test_what_cannot_be_read_is_dead_lettered(vault: VaultRole, value: bytes) -> None:
    """Bytes that are no event are sealed to dead-letters; nobody is answered."""
    effects = vault.handle(Inbound(Topic.PROMPTS, 0, 9, vault.clock.now_ms(), b"k", value))
    assert len(read(effects, Topic.DEAD_LETTERS)) == 1
    assert read(effects, Topic.RESPONSES) == []


def test_a_record_on_the_wrong_partition_is_refused_with_event_id_and_code_only(vault: VaultRole) -> None:
    """Its subject's state is elsewhere, so it may not be decided here."""
    good = vault.prompt()
    effects = vault.handle(Inbound(good.topic, (good.partition + 1) % 3, good.offset, good.timestamp_ms, good.key, good.value))
    response = response_of(effects)
    assert (response["code"], response["subject"]) == ("wrong_partition", None)


def test_a_redelivered_completion_publishes_the_same_bytes(vault: VaultRole) -> None:
    """A crash between response and offset gives an identical copy, whatever time it is by then."""
    request = request_of(vault.handle(vault.prompt()))
    completion = vault.completion(request, "fine")
    first = next(o for o in vault.handle(completion).outputs if o.topic == Topic.RESPONSES)
    vault.clock.advance(5)
    again = next(o for o in vault.handle(completion).outputs if o.topic == Topic.RESPONSES)
    assert again.value == first.value


def test_a_late_completion_is_dropped_and_counted(vault: VaultRole) -> None:
    """After the deadline has ended a prompt, a completion changes nothing."""
    request = request_of(vault.handle(vault.prompt()))
    vault.clock.advance(1000)
    (ended,) = vault.sweep()
    assert response_of(ended)["code"] == "deadline_exceeded"
    late = vault.handle(vault.completion(request, "too late"))
    assert read(late, Topic.RESPONSES) == []
    assert [event["fact"] for event in read(late, Topic.AUDIT_EVENTS)] == ["late_completion"]


def test_an_altered_completion_does_not_open(vault: VaultRole) -> None:
    """A completion whose sealed part, purpose or tenant was changed restores nothing."""
    request = request_of(vault.handle(vault.prompt()))
    for changes in ({"sealed": request["sealed"][:-1] + b"\x00"}, {"purpose": "hr"}, {"tenant": "globex"}):
        effects = vault.handle(vault.completion(request | changes, "x"))
        assert read(effects, Topic.RESPONSES) == []


def test_a_withdrawal_stops_what_is_under_way_and_tells_egress(vault: VaultRole) -> None:
    """Granted, asked, withdrawn: the answer is not published, and standing forbids the reference."""
    vault.handle(consent(vault, "grant", "marketing-drafts"))
    request = request_of(vault.handle(vault.prompt(purpose="marketing-drafts")))
    vault.clock.advance(1)
    withdrawn = vault.handle(consent(vault, "withdraw", "marketing-drafts"))
    (forbidden,) = read(withdrawn, Topic.STANDING)
    assert forbidden["reference"] == request["reference"]
    assert forbidden["consents_offset"] > request["approved_consents_offset"]
    ended = response_of(vault.handle(vault.completion(request, "hi")))
    assert (ended["status"], ended["code"]) == ("refused", "consent_withdrawn")


def test_a_withdrawal_does_not_stop_a_purpose_that_the_law_lets_go_on(vault: VaultRole) -> None:
    """A contract's purpose is not stopped by an objection, neither here nor at egress."""
    vault.handle(vault.prompt())
    withdrawn = vault.handle(consent(vault, "withdraw", "support"))
    assert read(withdrawn, Topic.STANDING) == []
    assert read(vault.handle(vault.prompt(event_id="e-2")), Topic.REQUESTS)


def test_an_erasure_destroys_keys_closes_prompts_and_fences_what_lies_before(vault: VaultRole) -> None:
    """Keys and references go, an open prompt is refused, its completion opens nothing, a prompt from before is refused, a later one is new."""
    request = request_of(vault.handle(vault.prompt()))
    behind = vault.prompt(event_id="e-2")
    vault.freshness.ends = {Topic.PROMPTS: vault.offsets[Topic.PROMPTS] + 1}
    erased = vault.handle(right(vault, "erase"))
    assert response_of(erased)["code"] == "subject_erased"
    assert not any(key[:1] in b"KRC" for key in vault.state.rows)
    assert read(vault.handle(vault.completion(request, "x")), Topic.RESPONSES) == []
    assert response_of(vault.handle(behind))["code"] == "subject_erased"
    anew = request_of(vault.handle(vault.prompt(event_id="e-3")))
    assert anew["reference"] != request["reference"]
    assert anew["messages"][-1] != request["messages"][-1]


def test_outcomes_of_an_erased_subject_forget_whose_they_were(vault: VaultRole) -> None:
    """Some seconds after an erasure no row holds the subject or the event, and nothing is published again."""
    vault.handle(vault.prompt())
    vault.handle(right(vault, "erase"))
    vault.clock.advance(60)
    assert all(read(effects, Topic.RESPONSES) == [] for effects in vault.sweep())
    export = read(vault.handle(right(vault, "export")), Topic.SUBJECT_RESULTS)[0]["document"]
    assert '"uses": []' in export


def test_an_outcome_that_was_not_published_is_published_by_the_sweep(vault: VaultRole) -> None:
    """A crash after the row and before the response of a deadline leaves no prompt without its response."""
    vault.handle(vault.prompt())
    vault.clock.advance(1000)
    (case,) = _due(vault)
    lost = case.decide(0, vault.state)
    vault.state.apply(lost.rows)  # the worker dies here: its outputs are never sent
    vault.clock.advance(60)
    (again,) = [effects for effects in vault.sweep() if read(effects, Topic.RESPONSES)]
    assert [o.value for o in again.outputs if o.topic == Topic.RESPONSES] == [o.value for o in lost.outputs if o.topic == Topic.RESPONSES]


def test_ended_outcomes_go_after_their_retention(vault: VaultRole) -> None:
    """State does not grow for ever."""
    request = request_of(vault.handle(vault.prompt()))
    vault.handle(vault.completion(request, "fine"))
    for _ in range(4):
        vault.clock.advance(RETENTION_MS / 1000 + 1000)
        vault.sweep()
    assert not any(key[:1] in b"OT" for key in vault.state.rows)


def test_no_row_and_no_internal_record_holds_the_subject_in_the_clear(vault: VaultRole) -> None:
    """Row keys and values, requests, standing and audit events show neither subject nor values."""
    vault.handle(vault.prompt(subject="maria-gonzalez-1970", event_id="e-maria"))
    stored = b"".join(key + value for key, value in vault.state.rows.items())
    internal = b"".join((o.key or b"") + (o.value or b"") for o in vault.published if o.topic != Topic.RESPONSES)
    for secret in (b"maria-gonzalez", b"e-maria", b"Maria", b"maria@"):
        assert secret not in stored + internal


def _due(vault: VaultRole) -> list[Any]:
    return list(VaultSweep(vault.desk).due(0, vault.state))

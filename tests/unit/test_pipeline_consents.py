"""Consents: a decision's effect on state, and what egress is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from streamgate.consent import Allowed, Basis, Decision, Denied, decide
from streamgate.errors import Code
from streamgate.pipeline.ports.stage import Effects
from streamgate.telemetry import ConsentChanged
from streamgate.types import Topic
from tests.fakes.pipeline import POLICY, Vault, facts, on


async def test_a_withdrawal_forbids_the_purpose_for_whatever_was_approved_before() -> None:
    """Standing names the reference, the purpose, and the offset after the withdrawal."""
    it = Vault()
    request = await it.accepted(it.prompt(purpose="hr"))
    record = it.consent("hr", "withdraw")
    effects = await it.handle(it.consents, record)
    (standing,) = on(effects, Topic.STANDING)
    assert (standing["kind"], standing["reference"], standing["purpose"]) == ("forbidden", request["reference"], "hr")
    assert standing["consents_offset"] == record.offset + 1 > request["approved_consents_offset"]
    assert facts(effects) == ["consent_withdrawn"]
    assert effects.facts == (ConsentChanged("withdraw"),)


async def test_a_withdrawal_about_all_forbids_every_purpose_that_it_stops() -> None:
    """A contract is not stopped by it."""
    it = Vault()
    await it.accepted()
    effects = await it.handle(it.consents, it.consent(None, "withdraw"))
    assert [standing["purpose"] for standing in on(effects, Topic.STANDING)] == ["marketing", "hr"]


async def test_a_withdrawal_of_somebody_never_seen_tells_egress_nothing() -> None:
    """There is no reference; the decision is kept for their first prompt."""
    it = Vault()
    effects = await it.handle(it.consents, it.consent("marketing", "withdraw"))
    assert (on(effects, Topic.STANDING), facts(effects)) == ([], ["consent_withdrawn"])
    purpose = POLICY.purposes["marketing"]
    assert decide(purpose, it.vault.consents(it.digest)) == Denied(Code.CONSENT_WITHDRAWN)


async def test_a_grant_allows_and_forbids_nothing() -> None:
    """It is audited by its purpose."""
    it = Vault()
    await it.accepted()
    effects = await it.handle(it.consents, it.consent("marketing", "grant"))
    assert (on(effects, Topic.STANDING), facts(effects)) == ([], ["consent_granted"])
    assert decide(POLICY.purposes["marketing"], it.vault.consents(it.digest)) == Allowed(Basis.CONSENT)


async def test_a_redelivered_withdrawal_is_told_again() -> None:
    """Egress may not have heard it the first time."""
    it = Vault()
    await it.accepted(it.prompt(purpose="hr"))
    record = it.consent("hr", "withdraw")
    first = await it.handle(it.consents, record)
    again = await it.handle(it.consents, record)
    assert on(again, Topic.STANDING) == on(first, Topic.STANDING)


async def test_an_older_decision_changes_nothing() -> None:
    """The later date wins, whatever the order of arrival."""
    it = Vault()
    await it.handle(it.consents, it.consent("marketing", "withdraw"))
    effects = await it.handle(it.consents, it.consent("marketing", "grant", decided_at=it.clock.now_ms() - 1))
    assert (effects.rows, effects.outputs, effects.facts) == ((), (), ())


@pytest.mark.parametrize("fields", [{"purpose": None}, {"purpose": "marketing", "decided_at": 2**50}])
async def test_a_grant_about_all_or_from_the_future_is_dead_lettered(fields: dict[str, Any]) -> None:
    """Consent is specific, and a wrong clock must not outrank a withdrawal."""
    it = Vault()
    effects = await it.handle(it.consents, it.consent(**({"decision": Decision.GRANT.value} | fields)))
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["invalid_field"]
    assert not it.state.rows


@pytest.mark.parametrize(
    ("change", "code"), [({"key": b"acme\x1fother"}, "bad_key"), ({"partition": 1}, "wrong_partition"), ({"value": b"x"}, "not_avro")]
)
async def test_a_decision_where_it_is_not_decided_is_dead_lettered(change: dict[str, Any], code: str) -> None:
    """It would be applied to somebody else, or never."""
    it = Vault()
    effects = await it.handle(it.consents, replace(it.consent("hr", "withdraw"), **change))
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == [code]
    assert not it.state.rows


async def test_a_name_that_the_policy_does_not_know_is_not_audited() -> None:
    """It is the sender's text."""
    it = Vault()
    effects = await it.handle(it.consents, it.consent("unheard", "withdraw", tenant="nobody"))
    (event,) = on(effects, Topic.AUDIT_EVENTS)
    assert (event["tenant"], event["purpose"]) == (None, None)


async def test_a_watermark_says_how_far_vault_has_read() -> None:
    """Its key is one for all, so that compaction keeps the newest."""
    it = Vault()
    key, value = it.consents.standing.watermark(7, 99)
    assert key == b"watermark"
    assert value


async def test_a_poisoned_decision_is_dead_lettered() -> None:
    """Our own fault loses no record."""
    it = Vault()
    effects = it.consents.poisoned(it.consent("hr", "withdraw")).decide(0, it.state)
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["internal_error"]


async def test_a_grant_from_before_an_erasure_is_forgotten_with_the_rest() -> None:
    """Also where it is decided only afterwards, or comes again: the fence of the erasure covers it."""
    it = Vault()
    early = it.consent("marketing", "grant")
    it.freshness.ends = {Topic.CONSENTS: 1}
    await it.handle(it.requests, it.request("erase"))
    assert await it.handle(it.consents, early) == Effects()
    late = await it.handle(it.consents, it.consent("marketing", "grant"))
    assert facts(late) == ["consent_granted"]

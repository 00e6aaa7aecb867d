"""Consent: what a data subject's decisions allow and deny."""

from dataclasses import replace

import pytest

from streamgate.consent import Allowed, Basis, ConsentEvent, ConsentState, Decision, Denied, Purpose, apply, decide
from streamgate.errors import Code

NOW = 1_000_000
GRANT, WITHDRAW = Decision.GRANT, Decision.WITHDRAW


def purpose(basis: Basis, *, objection_allowed: bool | None = None) -> Purpose:
    return Purpose(
        name="support",
        basis=basis,
        description="Answer questions.",
        tenants=("acme",),
        models=("gpt-4o-mini",),
        recipients=("OpenAI",),
        retention_days=30,
        objection_allowed=objection_allowed,
    )


def folded(*events: ConsentEvent) -> ConsentState:
    state = ConsentState()
    for event in events:
        state = apply(state, event, NOW).state
    return state


def test_consent_needs_a_grant() -> None:
    """Under Art. 6(1)(a) nothing is allowed before a grant (Art. 7(1))."""
    assert decide(purpose(Basis.CONSENT), ConsentState()) == Denied(Code.NO_CONSENT)
    assert decide(purpose(Basis.CONSENT), folded(ConsentEvent("support", GRANT, 1, 0))) == Allowed(Basis.CONSENT)
    assert decide(purpose(Basis.CONSENT), folded(ConsentEvent("other", GRANT, 1, 0))) == Denied(Code.NO_CONSENT)


@pytest.mark.parametrize("basis", list(Basis))
def test_every_basis_but_consent_stands_alone(basis: Basis) -> None:
    """Where nobody said anything, only consent denies."""
    expected = Denied(Code.NO_CONSENT) if basis is Basis.CONSENT else Allowed(basis)
    assert decide(purpose(basis), ConsentState()) == expected


@pytest.mark.parametrize(
    ("basis", "stopped"),
    [
        (Basis.CONSENT, True),
        (Basis.CONTRACT, False),
        (Basis.LEGAL_OBLIGATION, False),
        (Basis.VITAL_INTERESTS, False),
        (Basis.PUBLIC_TASK, True),
        (Basis.LEGITIMATE_INTERESTS, True),
    ],
)
@pytest.mark.parametrize("scope", ["support", None])
def test_an_objection_stops_what_the_law_says(basis: Basis, scope: str | None, *, stopped: bool) -> None:
    """Withdrawal stops consent (Art. 7(3)), objection stops (e) and (f) (Art. 21(1)), by name or for all purposes."""
    state = folded(ConsentEvent(scope, WITHDRAW, 1, 0))
    assert decide(purpose(basis), state) == (Denied(Code.CONSENT_WITHDRAWN) if stopped else Allowed(basis))


def test_a_purpose_may_allow_an_opt_out_the_law_does_not_ask_for() -> None:
    """objection_allowed = true lets an opt-out stop a contract (CCPA)."""
    state = folded(ConsentEvent("support", WITHDRAW, 1, 0))
    assert decide(purpose(Basis.CONTRACT, objection_allowed=True), state) == Denied(Code.CONSENT_WITHDRAWN)


def test_a_policy_value_cannot_switch_off_a_withdrawal_of_consent() -> None:
    """Even a Purpose built with objection_allowed=False denies after a withdrawal of consent."""
    state = folded(ConsentEvent("support", WITHDRAW, 1, 0))
    assert decide(purpose(Basis.CONSENT, objection_allowed=False), state) == Denied(Code.CONSENT_WITHDRAWN)


def test_a_tie_denies() -> None:
    """A grant and a withdrawal at one time deny, whichever came first."""
    grant, withdrawal = ConsentEvent("support", GRANT, 5, 1), ConsentEvent("support", WITHDRAW, 5, 2)
    for events in ((grant, withdrawal), (withdrawal, grant), (replace(grant, offset=9), withdrawal)):
        assert decide(purpose(Basis.CONSENT), folded(*events)) == Denied(Code.CONSENT_WITHDRAWN)


def test_withdrawing_everything_and_granting_one_again() -> None:
    """A withdrawal about all purposes withdraws each; a later grant of one re-allows that one alone."""
    state = folded(ConsentEvent("support", GRANT, 1, 0), ConsentEvent("hr", GRANT, 1, 1), ConsentEvent(None, WITHDRAW, 2, 2))
    assert decide(purpose(Basis.CONSENT), state) == Denied(Code.CONSENT_WITHDRAWN)
    state = apply(state, ConsentEvent("support", GRANT, 3, 3), NOW).state
    assert decide(purpose(Basis.CONSENT), state) == Allowed(Basis.CONSENT)
    assert decide(replace(purpose(Basis.CONSENT), name="hr"), state) == Denied(Code.CONSENT_WITHDRAWN)


def test_a_grant_from_the_future_is_refused() -> None:
    """One millisecond is enough: nothing changes, and the code says the field is invalid."""
    applied = apply(ConsentState(), ConsentEvent("support", GRANT, NOW + 1, 0), NOW)
    assert (applied.state, applied.effective, applied.code) == (ConsentState(), False, Code.INVALID_FIELD)
    assert apply(ConsentState(), ConsentEvent("support", GRANT, NOW, 0), NOW).effective


def test_a_withdrawal_from_the_future_counts_at_once() -> None:
    """A wrong clock denies."""
    applied = apply(folded(ConsentEvent("support", GRANT, 1, 0)), ConsentEvent("support", WITHDRAW, NOW + 10_000, 1), NOW)
    assert applied.effective
    assert decide(purpose(Basis.CONSENT), applied.state) == Denied(Code.CONSENT_WITHDRAWN)


@pytest.mark.parametrize("name", [None, "", "x" * 256, "\ud800"])
def test_a_grant_without_a_usable_purpose_is_refused(name: str | None) -> None:
    """Consent is specific (Art. 4(11)): a grant about all purposes, or about none that can be named, is refused."""
    assert apply(ConsentState(), ConsentEvent(name, GRANT, 1, 0), NOW).code is Code.INVALID_FIELD


def test_a_redelivered_decision_is_effective_again() -> None:
    """A record read twice leaves the same state and says the same, so that what follows from it is done."""
    event = ConsentEvent("support", WITHDRAW, 1, 7)
    once = apply(ConsentState(), event, NOW)
    assert apply(once.state, event, NOW) == once
    assert once.effective


def test_what_is_overruled_says_so() -> None:
    """An older grant is told that a withdrawal stands; an older withdrawal is merely not effective."""
    withdrawn = folded(ConsentEvent(None, WITHDRAW, 5, 0))
    applied = apply(withdrawn, ConsentEvent("support", GRANT, 4, 1), NOW)
    assert (applied.effective, applied.code) == (False, Code.CONSENT_WITHDRAWN)
    granted = folded(ConsentEvent("support", GRANT, 5, 0))
    applied = apply(granted, ConsentEvent("support", WITHDRAW, 4, 1), NOW)
    assert (applied.effective, applied.code) == (False, None)

"""Consent: the order of arrival does not matter, ties deny, and the newest withdrawal beats every older grant."""

from hypothesis import given
from hypothesis import strategies as st

from streamgate.consent import Allowed, Basis, ConsentEvent, ConsentState, Decision, Denied, Purpose, apply, decide
from streamgate.errors import SealBroken

NOW = 20
NAMES = ("a", "b")
# Few times, so that ties are common; some lie in the future.
decisions = st.tuples(st.sampled_from([*NAMES, None]), st.sampled_from(list(Decision)), st.integers(0, NOW + 3))
histories = st.lists(decisions, max_size=8).map(lambda found: [ConsentEvent(*parts, offset) for offset, parts in enumerate(found)])
bases = st.sampled_from(list(Basis))


def purpose(name: str, basis: Basis) -> Purpose:
    return Purpose(name, basis, "…", ("acme",), ("m",), ("p",), 1)


def folded(events: list[ConsentEvent]) -> ConsentState:
    state = ConsentState()
    for event in events:
        state = apply(state, event, NOW).state
    return state


@given(histories.flatmap(lambda events: st.tuples(st.just(events), st.permutations(events))), bases)
def test_arrival_does_not_matter(orders: tuple[list[ConsentEvent], list[ConsentEvent]], basis: Basis) -> None:
    """Every order of the same decisions ends in the same state and the same answer."""
    first, second = map(folded, orders)
    assert first == second
    assert first.to_bytes() == second.to_bytes()
    assert all(decide(purpose(name, basis), first) == decide(purpose(name, basis), second) for name in NAMES)


@given(histories, st.sampled_from(NAMES))
def test_consent_is_what_the_rules_say(events: list[ConsentEvent], name: str) -> None:
    """Allowed exactly where an accepted grant is strictly later than every withdrawal in scope."""
    grants = [e.decided_at_ms for e in events if e.decision is Decision.GRANT and e.purpose == name and e.decided_at_ms <= NOW]
    withdrawals = [e.decided_at_ms for e in events if e.decision is Decision.WITHDRAW and e.purpose in {name, None}]
    allowed = bool(grants) and max(grants) > max(withdrawals, default=-1)
    assert (decide(purpose(name, Basis.CONSENT), folded(events)) == Allowed(Basis.CONSENT)) is allowed


@given(histories, st.sampled_from([*NAMES, None]))
def test_a_withdrawal_beats_every_older_or_simultaneous_grant(events: list[ConsentEvent], scope: str | None) -> None:
    """After a withdrawal at the latest grant's time or later, whatever else happened, the purpose is denied."""
    withdrawal = ConsentEvent(scope, Decision.WITHDRAW, NOW, len(events))
    state = folded([*events, withdrawal])
    for name in NAMES if scope is None else (scope,):
        assert isinstance(decide(purpose(name, Basis.CONSENT), state), Denied)
        assert isinstance(decide(purpose(name, Basis.LEGITIMATE_INTERESTS), state), Denied)


@given(histories)
def test_redelivery_changes_nothing(events: list[ConsentEvent]) -> None:
    """Reading any suffix again leaves the state as it was."""
    state = folded(events)
    for event in events:
        assert apply(state, event, NOW).state == state


@given(histories)
def test_bytes_round_trip(events: list[ConsentEvent]) -> None:
    """What is written is read back."""
    state = folded(events)
    assert ConsentState.from_bytes(state.to_bytes()) == state


@given(st.binary(max_size=64).map(lambda tail: b"\x01" + tail))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Accepted bytes are canonical; all others raise our own error."""
    try:
        state = ConsentState.from_bytes(data)
    except SealBroken:
        return
    assert state.to_bytes() == data

"""The two pure functions of consent: fold a decision into the state, and ask the state whether a purpose may go on.

Rules, each a test:

* the later ``decided_at`` wins, whatever the order of arrival; at one time the withdrawal wins;
* a grant dated after now is refused, by as little as a millisecond: a tolerance would let it beat a withdrawal made in that time;
* a withdrawal dated after now counts at once and until its date no grant can undo it: a wrong clock denies;
* a grant names one purpose: consent is specific (GDPR Art. 4(11), 6(1)(a), recital 32); a grant about all is refused;
* a withdrawal about all withdraws every purpose; a later grant of one re-allows that one.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamgate.consent._basis import Basis
from streamgate.consent._policy import Purpose
from streamgate.consent._state import MAX_NAME_BYTES, ConsentEvent, ConsentState, Decision
from streamgate.errors import Code


@dataclass(frozen=True, slots=True)
class Applied:
    """The state after an event.

    ``effective`` says that this very event (by its offset, so also when it is redelivered) is now the one that counts in its scope.
    ``code`` says why a grant is not: ``INVALID_FIELD`` where it was refused, ``CONSENT_WITHDRAWN`` where a withdrawal outranks it.
    """

    state: ConsentState
    effective: bool
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """The purpose may go on, on this basis."""

    basis: Basis


@dataclass(frozen=True, slots=True)
class Denied:
    """It may not: ``NO_CONSENT`` or ``CONSENT_WITHDRAWN``."""

    code: Code


def apply(state: ConsentState, event: ConsentEvent, now_ms: int) -> Applied:
    """Fold one decision into the state."""
    if not _acceptable(event, now_ms):
        return Applied(state, effective=False, code=Code.INVALID_FIELD)
    held = state.latest.get(event.purpose)
    if held is None or event.outranks(held):
        state = ConsentState({**state.latest, event.purpose: event})
    governing = state.latest[None] if event.purpose is None else state.governing(event.purpose)
    if governing == event:
        return Applied(state, effective=True)
    overruled = event.decision is Decision.GRANT and governing is not None and governing.decision is Decision.WITHDRAW
    return Applied(state, effective=False, code=Code.CONSENT_WITHDRAWN if overruled else None)


def _acceptable(event: ConsentEvent, now_ms: int) -> bool:
    if event.purpose is not None:
        name = event.purpose.encode(errors="ignore")
        if not 0 < len(name) <= MAX_NAME_BYTES or name.decode() != event.purpose:
            return False
    return event.decision is Decision.WITHDRAW or (event.purpose is not None and event.decided_at_ms <= now_ms)


def decide(purpose: Purpose, state: ConsentState) -> Allowed | Denied:
    """Whether ``purpose`` may process this subject's data, as far as ``state`` knows.

    Consent needs a grant (GDPR Art. 7(1)). Every other basis stands without one; a withdrawal stops it where the purpose can be
    stopped: by default Art. 6(1)(e) and (f), to which Art. 21(1) gives the right to object, and not (b), (c) or (d).
    """
    governing = state.governing(purpose.name)
    withdrawn = governing is not None and governing.decision is Decision.WITHDRAW
    if withdrawn and (purpose.basis is Basis.CONSENT or purpose.stoppable):
        return Denied(Code.CONSENT_WITHDRAWN)
    if purpose.basis is Basis.CONSENT and governing is None:
        return Denied(Code.NO_CONSENT)
    return Allowed(purpose.basis)

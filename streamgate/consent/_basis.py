"""The lawful bases of GDPR Art. 6(1). Which one applies is the controller's judgement; this only keeps its consequences."""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final


@unique
class Basis(StrEnum):
    """Why a purpose may process personal data at all."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTERESTS = "legitimate_interests"

    @property
    def article(self) -> str:
        """The article that names it."""
        return f"GDPR Art. 6(1)({_LETTERS[self]})"

    @property
    def objection_by_law(self) -> bool:
        """Whether a data subject can stop it: withdrawal (Art. 7(3)), or objection (Art. 21(1), which names 6(1)(e) and (f) only).

        A contract, a legal obligation or a vital interest is not stopped by an objection; a purpose may allow it all the same,
        for example to honour an opt-out under the CCPA (Cal. Civ. Code § 1798.120).
        """
        return self in _STOPPABLE


_LETTERS: Final = {
    Basis.CONSENT: "a",
    Basis.CONTRACT: "b",
    Basis.LEGAL_OBLIGATION: "c",
    Basis.VITAL_INTERESTS: "d",
    Basis.PUBLIC_TASK: "e",
    Basis.LEGITIMATE_INTERESTS: "f",
}
_STOPPABLE: Final = frozenset({Basis.CONSENT, Basis.PUBLIC_TASK, Basis.LEGITIMATE_INTERESTS})

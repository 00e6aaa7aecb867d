"""The answer to a request for access and portability (GDPR Art. 15 and 20): one JSON document.

It says what streamgate holds. It cannot hold the prompts: those were never kept, so the document says where they are instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, Protocol

from streamgate.rights._enrolment import Enrolment, standing
from streamgate.rights._horizons import Horizons, instant
from streamgate.types import Subject

FORMAT: Final = "streamgate/export/1"
MOST_USES: Final = 10_000
"""The newest uses are listed: one record of a topic must hold the document."""


class Held(Protocol):
    """A decision that is held; ``consent.ConsentEvent`` is one."""

    @property
    def purpose(self) -> str | None:
        """``None``: all purposes."""
        ...

    @property
    def decision(self) -> str:
        """``grant`` or ``withdraw``."""
        ...

    @property
    def decided_at_ms(self) -> int:
        """When it was decided."""
        ...


class Use(Protocol):
    """One prompt that vault remembers; an outcome row is one."""

    @property
    def arrived_ms(self) -> int:
        """When the prompt was read."""
        ...

    @property
    def purpose(self) -> str:
        """What for."""
        ...

    @property
    def basis(self) -> str:
        """On which basis."""
        ...

    @property
    def model(self) -> str:
        """Which model was to be called."""
        ...

    @property
    def status(self) -> str | None:
        """How it ended; ``None`` while it has not."""
        ...

    @property
    def code(self) -> str:
        """The code it ended with."""
        ...


def export_document(
    *,
    request_id: str,
    subject: Subject,
    enrolment: Enrolment | None,
    keys: int,
    consents: Iterable[Held],
    uses: Iterable[Use],
    horizons: Horizons,
    now_ms: int,
) -> str:
    """The export as JSON. ``keys`` is how many keys are held for the subject; no key is ever exported."""
    recorded = sorted(uses, key=lambda use: use.arrived_ms)
    listed = recorded[-MOST_USES:]
    document: dict[str, Any] = {
        "format": FORMAT,
        "request_id": request_id,
        "legal_basis": "GDPR Art. 15 (access) and Art. 20 (portability)",
        "made_at": instant(now_ms),
        "subject": {"tenant": subject.tenant, "subject_id": subject.subject_id},
        "enrolment": _enrolment(enrolment),
        "keys_held": keys,
        "decisions": [_decision(held) for held in consents],
        "uses": [_use(use) for use in listed],
        "earlier_uses_not_listed": len(recorded) - len(listed),
        "held_elsewhere": {
            "statement": "streamgate keeps no prompt and no answer. Copies are in these places until their time is over.",
            "places": horizons.elsewhere(),
        },
        "promises_not_kept": horizons.not_kept(),
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def _enrolment(enrolment: Enrolment | None) -> dict[str, Any]:
    if enrolment is None:
        return {"standing": standing(None)}
    return {
        "standing": standing(enrolment),
        "incarnation": enrolment.incarnation,
        "enrolled_at": instant(enrolment.enrolled_at_ms) if enrolment.incarnation else None,
        "erased_at": None if enrolment.erased_at_ms is None else instant(enrolment.erased_at_ms),
    }


def _decision(held: Held) -> dict[str, Any]:
    return {"purpose": held.purpose or "all purposes", "decision": str(held.decision), "decided_at": instant(held.decided_at_ms)}


def _use(use: Use) -> dict[str, Any]:
    return {
        "at": instant(use.arrived_ms),
        "purpose": use.purpose,
        "basis": use.basis,
        "model": use.model,
        "status": use.status or "in progress",
        "code": str(use.code) if use.status else None,
    }

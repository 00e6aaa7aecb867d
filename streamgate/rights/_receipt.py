"""The receipt of an erasure (GDPR Art. 17, 12(3)): what was destroyed, when, and what only time removes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from streamgate.errors import Code, StreamgateError
from streamgate.rights._enrolment import Enrolment
from streamgate.rights._horizons import Horizons, instant

FORMAT: Final = "streamgate/erasure-receipt/1"


@dataclass(frozen=True, slots=True)
class Destroyed:
    """How many rows the erasure destroyed or stripped."""

    keys: int
    references: int
    decisions: int
    outcomes_forgotten: int
    """Outcomes that keep their code, and nothing that points to a person."""
    prompts_stopped: int = 0
    """Prompts in progress that were ended as ``subject_erased``."""


def erasure_receipt(*, request_id: str, enrolment: Enrolment, destroyed: Destroyed, horizons: Horizons) -> str:
    """The receipt as JSON; ``enrolment`` is the state after the erasure. It names nobody: the record's key does."""
    if enrolment.erased_at_ms is None:
        raise StreamgateError(Code.INTERNAL_ERROR, "receipt: not erased")
    document: dict[str, Any] = {
        "format": FORMAT,
        "request_id": request_id,
        "legal_basis": "GDPR Art. 17",
        "erased_at": instant(enrolment.erased_at_ms),
        "incarnation": enrolment.incarnation,
        "destroyed": asdict(destroyed),
        "refused_below": dict(sorted(enrolment.fences.items())),
        "means": (
            "Everything sealed under the destroyed keys is unreadable from now on. Records of the subject below these offsets are refused. "
            "A prompt sent later enrols the subject anew, under a new key."
        ),
        "kept": (
            "Audit entries: codes, counts and a random reference that no longer resolves to anybody. A keyed digest guards the fences; "
            "sealed beside it, a hash of the record key says on which partition."
        ),
        "horizons": {"broker_files": horizons.broker_files(), "backups": horizons.backups()},
        "only_retention_removes": horizons.elsewhere(),
        "not_reached": "Copies that recipients of the answers made, and mentions of the subject in other people's prompts.",
        "promises_not_kept": horizons.not_kept(),
    }
    return json.dumps(document, ensure_ascii=False, indent=2)

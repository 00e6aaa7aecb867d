"""Subject keys and spans for tests of whatever masks, seals or restores."""

from __future__ import annotations

from dataclasses import dataclass

from streamgate.vault import Aad, PurposeKeys, SubjectKey
from tests.fakes.effects import SeededEntropy
from tests.fakes.kms import FakeKms


@dataclass(frozen=True)
class Marked:
    """A span as a detector would report it."""

    start: int
    end: int
    type: str = "PERSON"


def keys_of(subject: str = "subject", purpose: str = "support") -> PurposeKeys:
    """The keys of a subject for a purpose; the same names give the same keys."""
    key, _ = SubjectKey.mint(SeededEntropy(subject), FakeKms(), subject.encode(), 1)
    return key.for_purpose(purpose)


def aad_of(row: bytes = b"row", **other: str) -> Aad:
    """What a sealed value is bound to."""
    return Aad(
        purpose=other.get("purpose", "support"),
        tenant=other.get("tenant", "acme"),
        subject_digest=b"digest",
        incarnation=1,
        kind="request",
        row=row,
    )

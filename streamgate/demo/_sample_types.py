"""What a sample is: one event about invented people, with the list of the personal data planted in it.

``planted`` is everything in a prompt that identifies somebody or opens something, whether or not it is likely to be found: rare names in
lower case, nicknames, villages and indirect identifiers (GDPR recital 26) are in the list as well. What is said *about* a person, a
complaint or a diagnosis, is what the prompt is for, and is not. E-mail addresses are at example domains (RFC 2606), telephone numbers
in ranges kept for fiction where a country has one, IBANs, cards and identity numbers are the published test values, keys are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Final

from streamgate.client import Prompt
from streamgate.errors import Code, Status
from streamgate.types import ChatRole

MODEL: Final = "gpt-4o-mini"


@unique
class SampleKind(StrEnum):
    """What the demo does with a sample."""

    PROMPT = "prompt"
    """Publishes it."""
    OVERDUE = "overdue"
    """Publishes it with a deadline that has passed."""
    MALFORMED = "malformed"
    """Publishes ``raw`` as the record's value."""


@dataclass(frozen=True, slots=True, repr=False)
class Planted:
    """One piece of personal data in a sample; ``kind`` is an entity type's name, ``INDIRECT``, or the name of a context field."""

    value: str
    kind: str

    def __repr__(self) -> str:
        """Show the kind and the length."""
        return f"Planted({self.kind}, {len(self.value)} characters)"


@dataclass(frozen=True, slots=True)
class Expected:
    """How a sample must end; no status where nobody can be answered and it goes to dead-letters."""

    status: Status | None = Status.ANSWERED
    code: Code = Code.OK


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Sample:
    """One event of the demo. ``name`` is unique and not personal data."""

    name: str
    title: str
    tenant: str
    subject: str
    purpose: str
    messages: tuple[tuple[ChatRole, str], ...]
    planted: tuple[Planted, ...]
    context: Mapping[str, Any] | None = None
    kind: SampleKind = SampleKind.PROMPT
    expects: Expected = Expected()
    raw: bytes | None = None

    def __repr__(self) -> str:
        """Show the name."""
        return f"Sample({self.name})"

    def prompt(self, *, deadline_ms: int | None = None) -> Prompt:
        """The event to publish; the time of its creation is the producer's."""
        return Prompt(
            tenant=self.tenant,
            subject=self.subject,
            purpose=self.purpose,
            messages=self.messages,
            context=self.context,
            model=MODEL,
            deadline_ms=deadline_ms,
            event_id=self.name,
        )

    def text(self) -> str:
        """What a person would have sent: all texts and context fields, one after another."""
        fields = () if self.context is None else tuple(str(value) for value in self.context.values())
        raw = () if self.raw is None else (self.raw.decode("utf-8", "replace"),)
        return "\n".join((*(text for _, text in self.messages), *fields, *raw))


def planted(**kinds: str | tuple[str, ...]) -> tuple[Planted, ...]:
    """``planted(PERSON=("a", "b"), EMAIL="c")``, in this order."""
    return tuple(Planted(value, kind) for kind, values in kinds.items() for value in ((values,) if isinstance(values, str) else values))

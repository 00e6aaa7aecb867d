"""What minimising leaves. All of it is raw text: sizes in ``repr`` only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique

from streamgate.types import ChatRole, Parameters


@unique
class Treatment(StrEnum):
    """What must still happen to a segment before it may leave."""

    PLAIN = "plain"
    """May leave as it is: kept, generalised or masked here."""
    SCAN = "scan"
    """Free text: a detector looks at it."""
    TOKENISE = "tokenise"
    """The whole value becomes a token."""
    PSEUDONYMISE = "pseudonymise"
    """The whole value becomes a keyed one-way pseudonym."""


@dataclass(frozen=True, slots=True, repr=False)
class Segment:
    """One text with its place in the record and what must happen to it."""

    path: str
    treatment: Treatment
    text: str
    entity: str | None = None

    def __repr__(self) -> str:
        """Show no text."""
        return f"Segment({self.path}, {self.treatment}, {len(self.text)} characters)"


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message of the conversation."""

    role: ChatRole
    segments: tuple[Segment, ...]
    tool_call_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class Minimised:
    """What is left of a prompt."""

    messages: tuple[RawMessage, ...]
    context: tuple[Segment, ...]
    stop: tuple[Segment, ...]
    """Stop sequences; free text that cannot carry tokens."""
    sealed: Mapping[str, str]
    """Kept for the consumer, by path."""
    dropped: int
    """Fields with a value that stay behind."""
    parameters: Parameters
    """Without stop sequences."""
    marked: tuple[tuple[str, str | None], ...] = ()
    """Raw values that the schema protects, with the entity it names: they must not stand in free text either."""

    def __repr__(self) -> str:
        """Show counts only."""
        return f"Minimised({len(self.messages)} messages, {len(self.context)} context fields, {self.dropped} dropped)"

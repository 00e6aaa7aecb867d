"""What egress knows of who may not be processed any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Watermark:
    """Vault had read consents and subject-requests of a partition to their end at ``at_ms``; ``consents_offset`` is where that was."""

    at_ms: int
    consents_offset: int


class StandingView(Protocol):
    """The standing topic as far as this worker has read it."""

    def watermark(self, partition: int) -> Watermark | None:
        """The newest watermark, or ``None`` before the first."""
        ...

    def forbidden_at(self, partition: int, reference: bytes, purpose: str) -> int | None:
        """The consents offset of the newest record that forbids ``purpose`` (or all purposes) for the reference, or ``None``."""
        ...

    async def changed(self, timeout_seconds: float) -> None:
        """Return when something new was read, or when the time ran out."""
        ...

"""The port to the provider's batches: many calls as one file, answered within a day at half the price (OpenAI's Batch API).

Neither an upload nor a creation is idempotent there. So whoever makes a batch gives it a name of its own first, which stands in the file's
name and in the batch's metadata, and finds by it what an earlier attempt has left.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final, Protocol

from streamgate.provider._call import ChatCall, ChatReply
from streamgate.provider._failure import Reason


@unique
class BatchStatus(StrEnum):
    """How far the provider is."""

    RUNNING = "running"
    COMPLETED = "completed"
    REJECTED = "rejected"
    """The file was not accepted: nothing was run, and nothing is paid."""
    BUSY = "busy"
    """The same, because too much of ours is in its queue already."""
    EXPIRED = "expired"
    """What was answered within the day is there, the rest is not."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ProviderBatch:
    """A batch as the provider tells it. Its identifiers were checked for their form."""

    batch_id: str
    status: BatchStatus
    output_file: str | None = None
    error_file: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class BatchLine:
    """One line of a result: whose it is, and what came of it."""

    request_id: bytes
    outcome: ChatReply | Reason

    def __repr__(self) -> str:
        """Show no text."""
        return f"BatchLine({self.outcome!r})"


NOT_BEGUN: Final = frozenset(
    {
        Reason.RATE_LIMITED,
        Reason.UNAUTHORISED,
        Reason.QUOTA_SPENT,
        Reason.NOT_FOUND,
        Reason.REJECTED,
        Reason.CONTENT_FILTERED,
        Reason.CONTEXT_TOO_LONG,
        Reason.REDIRECTED,
    }
)
"""The provider said no: nothing was made. After any other failure of an upload or a creation something may have been."""


class BatchModel(Protocol):
    """Holds files and answers batches. Every method makes one attempt (``find`` and ``files``: one a page).

    Raises :class:`streamgate.provider.CallFailed` and nothing else on account of the provider, and what it raises holds no text.
    """

    async def upload(self, name: str, calls: Sequence[ChatCall]) -> str:
        """Hand over a file of calls under a name; its identifier."""
        ...

    async def create(self, name: str, file_id: str) -> ProviderBatch:
        """Have the calls of a file answered. Whether that was begun when this fails in doubt, :meth:`find` says."""
        ...

    async def find(self, name: str, since_ms: int) -> tuple[ProviderBatch, ...]:
        """Every batch of that name that was created since."""
        ...

    async def files(self, name: str) -> tuple[str, ...]:
        """Every input file of that name that is still there."""
        ...

    async def look(self, batch_id: str) -> ProviderBatch | None:
        """How far it is; ``None`` where the provider does not know it."""
        ...

    async def cancel(self, batch_id: str) -> None:
        """Have it stopped. One that has ended, or that the provider does not know, is fine."""
        ...

    def results(self, file_id: str) -> AsyncIterator[BatchLine | None]:
        """The lines of a result in whatever order; ``None`` for one that cannot be used."""
        ...

    async def delete(self, file_id: str) -> None:
        """Return once the provider says that the file is gone, or that there is none."""
        ...

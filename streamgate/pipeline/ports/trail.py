"""What must be in Kafka before something is done: a call leaves a trace before its first byte goes out."""

from __future__ import annotations

from typing import Protocol

from streamgate.pipeline.ports.stage import Prepared


class Trail(Protocol):
    """Decisions beside those over records."""

    async def enter(self, partition: int, entry: Prepared) -> None:
        """Decide ``entry`` over the state of the partition; return once Kafka has what it wanted.

        Under the same fence as every other decision: a worker that has lost the partition gets nothing in. Raises ``Unavailable`` then, and
        when it takes too long; and whatever ``entry`` raises.
        """
        ...

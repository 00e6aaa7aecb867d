"""Records that were read or written before, looked up by where they stand."""

from __future__ import annotations

from typing import Protocol

from streamgate.types import Inbound


class Archive(Protocol):
    """Reads one committed record of a topic again."""

    async def read(self, topic: str, partition: int, offset: int) -> Inbound | None:
        """The record at an offset of a logical topic; ``None`` where retention or compaction has removed it, or nothing ever stood there.

        Raises ``Unavailable`` where the broker does not answer in time.
        """
        ...

    async def first(self, topic: str, partition: int) -> int:
        """The first offset that retention has left; raises ``Unavailable``."""
        ...

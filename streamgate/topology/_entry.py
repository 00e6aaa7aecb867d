"""Records on their way from being read to being decided."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from streamgate.pipeline.ports.stage import Prepared, Stage
from streamgate.types import Inbound


@dataclass(slots=True)
class Entry:
    """A record in flight."""

    record: Inbound
    stage: Stage
    generation: int
    prepared: Prepared | None = None

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.record.key or b"") + len(self.record.value or b"")


@dataclass(slots=True)
class Lane:
    """The records of one topic that wait for their decision. Ordered: by offset, so the first may hold up the rest."""

    ordered: bool
    entries: deque[Entry] = field(default_factory=deque)

    def take(self) -> Entry | None:
        """The next record that may be decided."""
        if self.entries and self.entries[0].prepared is not None:
            return self.entries.popleft()
        return None

    def ready(self) -> bool:
        """Whether :meth:`take` would return one."""
        return bool(self.entries) and self.entries[0].prepared is not None

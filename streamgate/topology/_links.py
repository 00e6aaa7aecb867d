"""What stages may hold before the worker runs: made first, given to the stages, bound when the worker starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from streamgate.pipeline.ports.known import KnownRows
from streamgate.topology._freshness import InputFreshness
from streamgate.topology._state import Rows, RowStore
from streamgate.topology._trail import RuntimeTrail


@dataclass(frozen=True, slots=True)
class Links:
    """One role's connections from its stages into the runtime."""

    rows: RowStore
    freshness: InputFreshness
    trail: RuntimeTrail

    @classmethod
    def unbound(cls, rows: RowStore | None = None) -> Self:
        """Links that answer ``None``, 0 and ``Unavailable`` until the worker has started."""
        return cls(Rows() if rows is None else rows, InputFreshness(), RuntimeTrail())

    @property
    def state(self) -> KnownRows:
        """The committed state."""
        return self.rows

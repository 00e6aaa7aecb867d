"""One pattern."""

from __future__ import annotations

from dataclasses import dataclass

from streamgate.detect._checks import Check
from streamgate.detect._types import EntityType


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression in RE2's syntax (linear time). The group ``v`` is what is found, or the whole match where there is none."""

    name: str
    type: EntityType
    regex: str
    score: float
    check: Check | None = None
    final: bool = False
    """Whether egress looks for it once more in the final payload: only forms that masked text does not have by chance."""
    loose: bool = False
    """Case is ignored."""

"""What a declaration of a fact is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from streamgate.telemetry import _facts as f
from streamgate.telemetry._metric import Update

F = TypeVar("F", bound=f.Fact)
Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log line, ready to be written."""

    event: str
    level: Level
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Declaration(Generic[F]):
    """What one type of fact means for the log and for the metrics."""

    fact: type[F]
    event: str
    """Name of the log line: dotted, stable."""
    level: Callable[[F], Level]
    fields: tuple[str, ...]
    """Attributes of the fact that stand in the log line, under their own names."""
    updates: Callable[[F], Iterable[Update]]

    def line(self, fact: F) -> LogLine:
        """The fact's log line."""
        return LogLine(self.event, self.level(fact), {name: getattr(fact, name) for name in self.fields})


def at(level: Level) -> Callable[[f.Fact], Level]:
    """The same level for every fact of the type."""
    return lambda _fact: level

"""What a demo found out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streamgate.demo._leaks import Leak


@dataclass(frozen=True, slots=True, repr=False)
class Exchange:
    """One prompt as three people saw it."""

    name: str
    title: str
    sent: str
    received: str
    """By the provider; empty where it received nothing."""
    got: str
    status: str
    code: str
    added_ms: float | None
    missed: tuple[tuple[str, str], ...]
    """Planted value and its kind, where the provider saw it."""

    def __repr__(self) -> str:
        """Show how it ended."""
        return f"Exchange({self.name}, {self.status})"


@dataclass(slots=True)
class Report:
    """One run of the demo."""

    provider: str
    broker: str
    planted: int = 0
    exchanges: list[Exchange] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)
    started_in_seconds: float = 0.0
    promises_not_kept: tuple[str, ...] = ()
    searched: Mapping[str, int] = field(default_factory=dict)
    """Bytes by place."""

    def ended(self, status: str) -> int:
        """How many prompts ended this way."""
        return sum(exchange.status == status for exchange in self.exchanges)

    @property
    def missed(self) -> list[tuple[str, str]]:
        """Planted values that the provider saw, with their kinds."""
        return [found for exchange in self.exchanges for found in exchange.missed]

    def added_latency_ms(self, share: float) -> float:
        """The latency that streamgate added, at a share of the answered prompts (0.5 is the median)."""
        times = sorted(exchange.added_ms for exchange in self.exchanges if exchange.added_ms is not None)
        if not times:
            return 0.0
        return times[min(len(times) - 1, round(share * (len(times) - 1)))]

    def document(self) -> dict[str, Any]:
        """For programs. Values that leaked or were missed are counted by kind, not repeated."""
        missed_by_kind: dict[str, int] = {}
        for _, kind in self.missed:
            missed_by_kind[kind] = missed_by_kind.get(kind, 0) + 1
        return {
            "prompts": len(self.exchanges),
            "answered": self.ended("answered"),
            "refused": self.ended("refused"),
            "failed": self.ended("failed"),
            "dead_lettered": self.ended("dead-lettered"),
            "leaks": len(self.leaks),
            "missed": len(self.missed),
            "planted": self.planted,
            "added_latency_ms": {"p50": round(self.added_latency_ms(0.5), 1), "p99": round(self.added_latency_ms(0.99), 1)},
            "provider": self.provider,
            "broker": self.broker,
            "missed_by_kind": dict(sorted(missed_by_kind.items())),
            "leaked": [{"kind": leak.kind, "place": leak.place, "form": leak.form} for leak in self.leaks],
            "outcomes": {exchange.name: exchange.code for exchange in self.exchanges},
            "searched_bytes": dict(self.searched),
            "started_in_seconds": round(self.started_in_seconds, 2),
            "promises_not_kept": list(self.promises_not_kept),
        }

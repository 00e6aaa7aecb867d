"""Egress's own record of what it answered, so that a repeated request does not pay again, and when that is forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from streamgate.effects import Clock
from streamgate.pipeline.ports.stage import Effects, Prepared, Row, StateView

BATCH: Final = 500
EVERY_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class EgressState:
    """Rows of egress.

    ====== ====================== ===============================================
    prefix key                    value
    ====== ====================== ===============================================
    ``D``  request id             offset (8) of its completion: it is answered
    ``I``  request id             how many calls (4) of it were begun, none answered
    ``X``  time (8), request id   when to forget it
    ====== ====================== ===============================================
    """

    @staticmethod
    def answered(request_id: bytes) -> bytes:
        """Key of the row that says that a completion was published."""
        return b"D" + request_id

    @staticmethod
    def intended(request_id: bytes) -> bytes:
        """Key of the row that counts the calls that were begun."""
        return b"I" + request_id

    @staticmethod
    def forget_at(due_ms: int, request_id: bytes) -> bytes:
        """Key of the row that says when to forget it."""
        return b"X" + due_ms.to_bytes(8, "big") + request_id


@dataclass(frozen=True, slots=True)
class EgressSweep:
    """Forgets requests that were answered long ago."""

    clock: Clock
    next_ms: dict[int, int] = field(default_factory=dict)
    """By partition, when to look next."""

    def due(self, partition: int, state: StateView) -> tuple[Prepared, ...]:
        """At most one batch at a time."""
        now_ms = self.clock.now_ms()
        if now_ms < self.next_ms.get(partition, 0):
            return ()
        found: list[bytes] = []
        for key, _ in state.scan(b"X"):
            if int.from_bytes(key[1:9], "big") > now_ms or len(found) == BATCH:
                break
            found.append(key)
        if len(found) < BATCH:
            self.next_ms[partition] = now_ms + EVERY_MS
        return (_Forget(tuple(found)),) if found else ()


@dataclass(frozen=True, slots=True)
class _Forget:
    keys: tuple[bytes, ...]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Tombstones for the timers and what they are about."""
        del partition, state
        return Effects(
            rows=tuple(Row(row, None) for key in self.keys for row in (key, EgressState.answered(key[9:]), EgressState.intended(key[9:])))
        )

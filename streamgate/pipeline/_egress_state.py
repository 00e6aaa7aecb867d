"""Egress's own record of what it answered, so that a repeated request does not pay again, of what it spent, and when that is forgotten."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from streamgate.effects import Clock
from streamgate.pipeline.ports.stage import Effects, Output, Prepared, Row, StateView
from streamgate.provider import SpendAccount, Spent, day_of
from streamgate.types import Topic

BATCH: Final = 500
EVERY_MS: Final = 60_000
SPEND_KEPT_DAYS: Final = 62
"""This month, and the one before to its first day."""
_SPENT: Final = struct.Struct(">BQQQQQ16s")
_SPENT_VERSION: Final = 1
_AMOUNT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class EgressState:
    """Rows of egress.

    ====== ====================== ================================================
    prefix key                    value
    ====== ====================== ================================================
    ``D``  request id             offset (8) of its completion: it is answered
    ``I``  request id             how many calls (4) of it were begun, none answered
    ``X``  time (8), request id   when to forget it
    ``S``  day (4), account       what was spent that day: version (1), requests,
                                  calls, calls of unknown cost, tokens in, tokens
                                  out (8 each), amount in parts of 10⁻¹² (16)
    ====== ====================== ================================================

    ``B``, ``M`` and ``W`` are those of batches (``_batch_state``).
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

    @staticmethod
    def spent(account: SpendAccount) -> bytes:
        """Key of the row that sums up an account's day; older days come first."""
        return b"S" + account.day.to_bytes(4, "big") + account.key()

    @staticmethod
    def spent_value(spent: Spent) -> bytes:
        """Value of that row."""
        numbers = (spent.requests, spent.calls, spent.unknown_calls, spent.prompt_tokens, spent.completion_tokens)
        return _SPENT.pack(_SPENT_VERSION, *numbers, spent.amount.to_bytes(_AMOUNT_BYTES, "big"))

    @staticmethod
    def spent_from(value: bytes) -> Spent:
        """Read :meth:`spent_value`; ``ValueError`` for another version or size."""
        if len(value) != _SPENT.size or value[0] != _SPENT_VERSION:
            raise ValueError("spent: unknown version or size")
        _, requests, calls, unknown, prompt, completion, amount = _SPENT.unpack(value)
        return Spent(requests, calls, unknown, prompt, completion, int.from_bytes(amount, "big"))


@dataclass(frozen=True, slots=True)
class EgressSweep:
    """Forgets requests that were answered, and days that were counted, long ago."""

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
        old: list[bytes] = []
        for key, _ in state.scan(b"S"):
            if int.from_bytes(key[1:5], "big") > day_of(now_ms) - SPEND_KEPT_DAYS or len(old) == BATCH:
                break
            old.append(key)
        if len(found) < BATCH and len(old) < BATCH:
            self.next_ms[partition] = now_ms + EVERY_MS
        return (*((_Forget(tuple(found)),) if found else ()), *((_ForgetDays(tuple(old)),) if old else ()))


@dataclass(frozen=True, slots=True)
class _Forget:
    keys: tuple[bytes, ...]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Tombstones for the timers and what they are about."""
        del partition, state
        return Effects(
            rows=tuple(Row(row, None) for key in self.keys for row in (key, EgressState.answered(key[9:]), EgressState.intended(key[9:])))
        )


@dataclass(frozen=True, slots=True)
class _ForgetDays:
    keys: tuple[bytes, ...]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Tombstones for sums, here and on their topic."""
        del partition, state
        return Effects(tuple(Row(key, None) for key in self.keys), tuple(Output(Topic.SPEND, key[5:], None) for key in self.keys))

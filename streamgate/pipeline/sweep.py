"""The sweep: what is overdue in vault's state ends, is published again, is forgotten, or is removed.

A prompt ends at its deadline even when egress is down. Each outcome has one timer row; when it is due, the outcome's phase says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from streamgate.errors import Code, Status
from streamgate.pipeline._desk import Desk
from streamgate.pipeline._outcome import SWEEP, Phase
from streamgate.pipeline._vaultstate import VaultState, expiry_row, timer_row
from streamgate.pipeline.ports.stage import Effects, Prepared, Row, StateView
from streamgate.types import Topic

BATCH: Final = 500
EXPIRY_EVERY_MS: Final = 60_000
"""Forgetting need not be punctual, and looking costs."""
BEAT_EVERY_MS: Final = 600_000
BEAT: Final = b"\x00"
"""Key of no row. Its tombstone is written now and then: Kafka compacts what was destroyed only when something is written after it."""
RETRIED_BY_THEIR_RECORD: Final = frozenset({Topic.PROMPTS.value, Topic.PROMPTS_BULK.value, Topic.COMPLETIONS.value})


@dataclass(frozen=True, slots=True)
class VaultSweep:
    """Finds timers that are due."""

    desk: Desk
    expiry_at_ms: dict[int, int] = field(default_factory=dict)
    """By partition, when to look next for what is to be forgotten."""
    beat_at_ms: dict[int, int] = field(default_factory=dict)

    def due(self, partition: int, state: StateView) -> tuple[Prepared, ...]:
        """At most a batch at a time; the rest a second later."""
        now_ms = self.desk.clock.now_ms()
        vault = VaultState(state, self.desk.sealer)
        found: list[Prepared] = [TimerCase(self.desk, *timer) for timer in islice(vault.due(now_ms), BATCH)]
        if now_ms >= self.expiry_at_ms.get(partition, 0):
            expired = [ExpiryCase(self.desk, *timer) for timer in islice(vault.expired(now_ms), BATCH - len(found))]
            found += expired
            if len(found) < BATCH:
                self.expiry_at_ms[partition] = now_ms + EXPIRY_EVERY_MS
        if now_ms >= self.beat_at_ms.setdefault(partition, now_ms + BEAT_EVERY_MS):
            self.beat_at_ms[partition] = now_ms + BEAT_EVERY_MS
            found.append(Beat())
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Beat:
    """Something is written to the partition's state, so that an idle partition is compacted too."""

    def decide(self, partition: int, state: StateView) -> Effects:
        """A tombstone of nothing."""
        del partition, state
        return Effects(rows=(Row(BEAT, None),))


@dataclass(frozen=True, slots=True)
class TimerCase:
    """One timer whose time has come."""

    desk: Desk
    timer: bytes
    key: bytes

    def decide(self, partition: int, state: StateView) -> Effects:
        """Look at the outcome as it is now; another decision may have come first."""
        if state.get(self.timer) is None:
            return Effects()
        vault = VaultState(state, self.desk.sealer)
        stop = Row(self.timer, None)
        outcome = vault.outcome(self.key)
        now_ms = self.desk.clock.now_ms()
        if outcome is None:
            return Effects(rows=(stop,))
        if outcome.phase is Phase.OPEN:
            if outcome.deadline_ms > now_ms:
                return Effects(rows=(stop, timer_row(outcome.deadline_ms, self.key)))
            effects = self.desk.conclude(vault, self.key, outcome.decided(Status.FAILED, Code.DEADLINE_EXCEEDED, SWEEP, now_ms))
            return Effects((stop, *effects.rows), effects.outputs, effects.facts)
        if outcome.phase is Phase.DECIDED:
            by_record = outcome.decided_by is not None and outcome.decided_by.topic in RETRIED_BY_THEIR_RECORD
            again = Effects() if by_record else self.desk.repeat(vault, self.key, outcome)
            return Effects((stop, self.desk.recheck(self.key)), again.outputs)
        rows = [stop, expiry_row(outcome.decided_ms + self.desk.retention_ms, self.key)]
        enrolment = vault.enrolment(self.key[1:17])
        if (
            enrolment is not None
            and not outcome.forgotten
            and (enrolment.erased_at_ms is not None or enrolment.incarnation > outcome.incarnation)
        ):
            rows.append(vault.outcome_row(self.key, outcome.forget()))
        return Effects(rows=tuple(rows))


@dataclass(frozen=True, slots=True)
class ExpiryCase:
    """One outcome, or one replay of a dead letter, that may be forgotten."""

    desk: Desk
    timer: bytes
    key: bytes

    def decide(self, partition: int, state: StateView) -> Effects:
        """A prompt whose event id was used again after an erasure has a later end, and a row of its own for it."""
        del partition
        if state.get(self.timer) is None:
            return Effects()
        if self.key[:1] == b"L":
            return Effects(rows=(Row(self.timer, None), Row(self.key, None)))
        outcome = VaultState(state, self.desk.sealer).outcome(self.key)
        over = outcome is not None and outcome.decided_ms and outcome.decided_ms + self.desk.retention_ms <= self.desk.clock.now_ms()
        return Effects(rows=(Row(self.timer, None), *((Row(self.key, None),) if over else ())))

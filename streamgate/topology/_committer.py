"""One committer per partition number, over all of a role's input topics: decisions are made here one after another.

So everything about one data subject is serial, whichever topic it came by, and a decision sees all earlier ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from streamgate.effects import Clock
from streamgate.pipeline.ports.stage import LARGEST_OUTPUT_BYTES, Effects, Prepared, Stage, Stale, Sweep
from streamgate.telemetry import StageFailed, Telemetry
from streamgate.topology._commit import Batch, Commit
from streamgate.topology._failure import where
from streamgate.topology._settings import RuntimeSettings
from streamgate.topology._state import Overlay, Rows
from streamgate.types import Inbound


@dataclass(slots=True)
class Entry:
    """A record in flight."""

    record: Inbound
    stage: Stage
    generation: int
    prepared: Prepared | None = None


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


class Committer:
    """Decides and carries out for one partition number."""

    def __init__(
        self,
        partition: int,
        *,
        rows: Rows,
        commit: Commit,
        sweep: Sweep | None,
        telemetry: Telemetry,
        clock: Clock,
        settings: RuntimeSettings,
        finished: Callable[[Entry], None],
        again: Callable[[Entry], None],
    ) -> None:
        """``finished`` hears of each record whose decision Kafka has, ``again`` of each that must be prepared once more."""
        self.partition = partition
        self.busy = False
        """Whether a batch is being carried out now."""
        self._rows = rows
        self._commit = commit
        self._sweep = sweep
        self._telemetry = telemetry
        self._clock = clock
        self._settings = settings
        self._finished = finished
        self._again = again
        self._lanes: dict[str, Lane] = {}
        self._wake = asyncio.Event()
        self._sweep_due = False

    def enqueue(self, entry: Entry) -> None:
        """Take up a record when it was read (ordered stages) or when it is prepared (the others)."""
        topic = entry.record.topic
        self._lanes.setdefault(topic, Lane(entry.stage.ordered)).entries.append(entry)
        self._wake.set()

    def wake(self) -> None:
        """Something was prepared."""
        self._wake.set()

    def request_sweep(self) -> None:
        """Look for overdue rows before the next decision."""
        if self._sweep is not None:
            self._sweep_due = True
            self._wake.set()

    @property
    def idle(self) -> bool:
        """Nothing to decide and nothing being carried out."""
        return not self.busy and not self._sweep_due and not any(lane.ready() for lane in self._lanes.values())

    async def run(self) -> None:
        """Work until cancelled. Raises when a batch cannot be carried out: then only a restart is safe."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self.busy = True
            try:
                while await self._one_batch():
                    pass
            finally:
                self.busy = False

    async def _one_batch(self) -> bool:
        view = Overlay(self._rows, self.partition)
        effects: list[Effects] = []
        entries: list[Entry] = []
        until = self._clock.monotonic() + self._settings.decide_seconds
        self._decide_sweep(view, effects)
        while len(effects) < self._settings.batch and self._clock.monotonic() < until:
            # What a settled offset records is part of the decision: nothing is decided between an output and its row.
            if any(output.settle is not None for effect in effects[-1:] for output in effect.outputs):
                break
            entry = self._next()
            if entry is None:
                break
            decided = self._decide(entry, view)
            if decided is not None:
                effects.append(decided)
                entries.append(entry)
        if not effects:
            return False
        offsets = tuple((entry.record.topic, entry.record.offset) for entry in entries)
        written = await self._commit.carry_out(Batch(self.partition, tuple(effects), offsets))
        for row in written:
            self._rows.apply(self.partition, row.key, row.value)
        for effect in effects:
            for fact in effect.facts:
                self._telemetry.emit(fact)
        for entry in entries:
            self._finished(entry)
        return True

    def _next(self) -> Entry | None:
        """Round robin over the topics, so that none starves."""
        for topic in tuple(self._lanes):
            entry = self._lanes[topic].take()
            if entry is not None:
                self._lanes[topic] = self._lanes.pop(topic)
                return entry
        return None

    def _decide(self, entry: Entry, view: Overlay) -> Effects | None:
        prepared = entry.prepared
        if prepared is None:
            raise RuntimeError("only prepared records are decided")
        try:
            effects = _fitting(prepared.decide(self.partition, view))
        except Stale:
            self._prepare_again(entry)
            return None
        except Exception as error:  # noqa: BLE001  whatever a stage raises, this record must end; the next line says what happened
            self._telemetry.emit(StageFailed(entry.record.topic, type(error).__name__, where(error)))
            effects = entry.stage.poisoned(entry.record).decide(self.partition, view)
        view.put(effects.rows)
        return effects

    def _prepare_again(self, entry: Entry) -> None:
        entry.prepared = None
        if entry.stage.ordered:
            self._lanes[entry.record.topic].entries.appendleft(entry)
        self._again(entry)

    def _decide_sweep(self, view: Overlay, effects: list[Effects]) -> None:
        if not self._sweep_due or self._sweep is None:
            return
        self._sweep_due = False
        due = self._sweep.due(self.partition, view)
        self._sweep_due = len(due) > self._settings.batch  # the rest comes right after
        for prepared in due[: self._settings.batch]:
            try:
                effect = _fitting(prepared.decide(self.partition, view))
            except Exception as error:  # noqa: BLE001  a row that cannot be read must not hold up the others; the next sweep tries again
                self._telemetry.emit(StageFailed("sweep", type(error).__name__, where(error)))
                continue
            view.put(effect.rows)
            effects.append(effect)


def _fitting(effects: Effects) -> Effects:
    """Refuse what the topics would refuse: a send that can never succeed would stop the worker, at every restart again."""
    if any(len(output.key or b"") + len(output.value or b"") > LARGEST_OUTPUT_BYTES for output in effects.outputs):
        raise OverflowError("a record to publish is larger than the topics take")
    return effects

"""One committer per partition number, over all of a role's input topics: decisions are made here one after another.

So everything about one data subject is serial, whichever topic it came by, and a decision sees all earlier ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streamgate.effects import Clock
from streamgate.pipeline.ports.stage import LARGEST_OUTPUT_BYTES, Effects, Prepared, Stale, Sweep, Unsettled
from streamgate.telemetry import StageFailed, Telemetry
from streamgate.topology._commit import Batch, Commit
from streamgate.topology._entry import Entry, Lane
from streamgate.topology._failure import where
from streamgate.topology._progress import Progress
from streamgate.topology._settings import RuntimeSettings
from streamgate.topology._state import Overlay, RowStore


@dataclass(slots=True)
class _Round:
    """What is decided for one batch, in order."""

    view: Overlay
    effects: list[Effects] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    entered: list[asyncio.Future[None]] = field(default_factory=list)

    def add(self, effects: Effects) -> None:
        """One more decision; later ones see it."""
        self.view.put(effects)
        self.effects.append(effects)


class Committer:
    """Decides and carries out for one partition number."""

    def __init__(
        self,
        partition: int,
        *,
        rows: RowStore,
        commit: Commit,
        sweep: Sweep | None,
        telemetry: Telemetry,
        clock: Clock,
        settings: RuntimeSettings,
        progress: Callable[[Sequence[Entry]], dict[str, Progress]],
        finished: Callable[[Entry], None],
        again: Callable[[Entry], None],
    ) -> None:
        """``progress`` says what may be committed with a batch; ``finished`` hears of each record whose decision Kafka has.

        ``again`` hears of each that must be prepared once more.
        """
        self.partition = partition
        self.busy_since: float | None = None
        """When the batch that is being carried out now was begun, by the monotonic clock."""
        self._rows = rows
        self._commit = commit
        self._sweep = sweep
        self._telemetry = telemetry
        self._clock = clock
        self._settings = settings
        self._progress = progress
        self._finished = finished
        self._again = again
        self._asides: deque[tuple[Prepared, asyncio.Future[None]]] = deque()
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

    async def enter(self, aside: Prepared) -> None:
        """Decide ``aside`` in the next batch; return once Kafka has what it wanted. What it raises comes back."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asides.append((aside, done))
        self._wake.set()
        await done

    @property
    def idle(self) -> bool:
        """Nothing to decide and nothing being carried out."""
        waiting = self._sweep_due or self._asides or any(lane.ready() for lane in self._lanes.values())
        return self.busy_since is None and not waiting

    async def run(self) -> None:
        """Work until cancelled. Raises when a batch cannot be carried out: then only a restart is safe."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while await self._one_batch():
                    pass
            finally:
                self.busy_since = None

    async def _one_batch(self) -> bool:
        made = _Round(Overlay(self._rows, self.partition))
        self.busy_since = self._clock.monotonic()
        self._decide_sweep(made)
        self._decide_asides(made)
        self._decide_entries(made)
        if not made.effects:
            return False
        batch = Batch(self.partition, tuple(made.effects), self._progress(made.entries))
        written = await self._commit.carry_out(batch)
        self._rows.apply(self.partition, written.rows, written.position)
        for fact in (fact for effect in made.effects for fact in effect.facts):
            self._telemetry.emit(fact)
        for entry in made.entries:
            self._finished(entry)
        for done in made.entered:
            if not done.done():
                done.set_result(None)
        return True

    def _decide_entries(self, made: _Round) -> None:
        until = self._clock.monotonic() + self._settings.decide_seconds
        while len(made.effects) < self._settings.batch and self._clock.monotonic() < until:
            entry = self._next()
            if entry is None:
                return
            try:
                decided = self._decide(entry, made.view)
            except Unsettled:
                self._lanes[entry.record.topic].entries.appendleft(entry)
                return
            if decided is not None:
                made.add(decided)
                made.entries.append(entry)

    def _decide_asides(self, made: _Round) -> None:
        while self._asides and len(made.effects) < self._settings.batch:
            aside, done = self._asides.popleft()
            if done.done():
                continue  # whoever asked has given up
            try:
                effect = _fitting(aside.decide(self.partition, made.view))
            except Unsettled:
                self._asides.appendleft((aside, done))
                return
            except Exception as error:  # noqa: BLE001  whoever entered it hears of it
                done.set_exception(error)
                continue
            made.add(effect)
            made.entered.append(done)

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
        except Unsettled:
            raise
        except Stale:
            self._prepare_again(entry)
            return None
        except Exception as error:  # noqa: BLE001  whatever a stage raises, this record must end; the next line says what happened
            self._telemetry.emit(StageFailed(entry.record.topic, type(error).__name__, where(error)))
            effects = entry.stage.poisoned(entry.record).decide(self.partition, view)
        return effects

    def _prepare_again(self, entry: Entry) -> None:
        entry.prepared = None
        if entry.stage.ordered:
            self._lanes[entry.record.topic].entries.appendleft(entry)
        self._again(entry)

    def _decide_sweep(self, made: _Round) -> None:
        if not self._sweep_due or self._sweep is None:
            return
        self._sweep_due = False
        due = self._sweep.due(self.partition, made.view)
        self._sweep_due = len(due) > self._settings.batch  # the rest comes right after
        for prepared in due[: self._settings.batch]:
            try:
                made.add(_fitting(prepared.decide(self.partition, made.view)))
            except Unsettled:
                self._sweep_due = True
                return
            except Exception as error:  # noqa: BLE001  a row that cannot be read must not hold up the others; the next sweep tries again
                self._telemetry.emit(StageFailed("sweep", type(error).__name__, where(error)))


def _fitting(effects: Effects) -> Effects:
    """Refuse what the topics would refuse: a send that can never succeed would stop the worker, at every restart again."""
    if any(output.size > LARGEST_OUTPUT_BYTES for output in effects.outputs):
        raise OverflowError("a record to publish is larger than the topics take")
    return effects

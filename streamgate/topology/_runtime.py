"""The delivery runtime of one role: takes records, prepares them at once, hands them to the committers, says what may be committed.

Not Faust: the shell around it (``_app``, ``_consumer``) tells it what was read, assigned and revoked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum, unique
from functools import partial

from streamgate.effects import Clock
from streamgate.errors import Code, Unavailable
from streamgate.pipeline.ports.stage import Prepared, Stage, Sweep
from streamgate.telemetry import RecordRead, StageFailed, Telemetry
from streamgate.topology._commit import Commit
from streamgate.topology._committer import Committer
from streamgate.topology._entry import Entry
from streamgate.topology._failure import where
from streamgate.topology._ledger import Admission, Ledgers
from streamgate.topology._progress import Progress
from streamgate.topology._settings import RuntimeSettings
from streamgate.topology._slots import Slots
from streamgate.topology._state import RowStore
from streamgate.types import Inbound


@unique
class Flow(Enum):
    """What the consumer should do with the topic partition that a record came from."""

    GO_ON = "go on"
    PAUSE = "pause"
    REREAD = "reread"


class Runtime:
    """Records in flight of one worker."""

    def __init__(
        self,
        *,
        stages: Sequence[Stage],
        sweep: Sweep | None,
        commit: Commit,
        rows: RowStore,
        telemetry: Telemetry,
        clock: Clock,
        settings: RuntimeSettings,
    ) -> None:
        """Must be made in the running event loop."""
        self.stages = {stage.topic: stage for stage in stages}
        self.ledgers = Ledgers()
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self._sweep = sweep
        self._commit = commit
        self._rows = rows
        self._telemetry = telemetry
        self._clock = clock
        self._settings = settings
        self._slots = {topic: Slots(settings.pools.get(topic, settings.pool), partial(self._owned, topic)) for topic in self.stages}
        self._committers: dict[int, tuple[Committer, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused: set[tuple[str, int]] = set()
        self._bytes = 0
        self._accepting = False

    # What the consumer reports.

    def assigned(self) -> None:
        """Partitions were assigned; records come as soon as they are opened."""
        self._accepting = not self.failed.done()

    def opened(self, generation: int, topic: str, partition: int, start: Progress | None) -> None:
        """Reading of a topic partition begins at ``start``. Ignored between revocation and assignment: Faust seeks there too."""
        if topic in self.stages and self._accepting:
            self.ledgers.open(generation, topic, partition, start)

    def take(self, record: Inbound, generation: int) -> Flow:
        """A record was read. Never raises, never waits."""
        ledger = self.ledgers.get(generation, record.topic, record.partition)
        if ledger is None or not self._accepting:
            return Flow.GO_ON
        admission = ledger.admit(record.offset)
        place = (record.topic, record.partition)
        if admission is Admission.REREAD:
            return Flow.REREAD
        if admission is Admission.HOLD:
            self._paused.add(place)
            return Flow.PAUSE
        if admission is Admission.DROP:
            return Flow.GO_ON
        stage = self.stages[record.topic]
        self._telemetry.emit(RecordRead(record.topic, max(0.0, (self._clock.now_ms() - record.timestamp_ms) / 1000)))
        entry = Entry(record, stage, generation)
        committer = self._committer(record.partition)
        if stage.ordered:
            committer.enqueue(entry)
        self._begin(entry)
        self._bytes += entry.size
        if ledger.unfinished >= 2 * self._settings.pool or self._bytes >= self._settings.in_flight_bytes:
            self._paused.add(place)
            return Flow.PAUSE
        return Flow.GO_ON

    def resumable(self) -> dict[tuple[str, int], int | None]:
        """Paused topic partitions that may be read again, and the offset to go back to where records were held back.

        They count as resumed from now on.
        """
        found: dict[tuple[str, int], int | None] = {}
        roomy = self._bytes <= self._settings.in_flight_bytes // 2
        for topic, partition in self._paused:
            ledger = self.ledgers.current(topic, partition)
            if ledger is None or (roomy and ledger.unfinished <= self._settings.pool and not ledger.too_far):
                found[topic, partition] = None if ledger is None else ledger.held_at
        self._paused -= found.keys()
        return found

    @property
    def batch_since(self) -> float | None:
        """When the oldest batch that is being carried out now was begun."""
        begun = [committer.busy_since for committer, _ in self._committers.values() if committer.busy_since is not None]
        return min(begun, default=None)

    def sweep(self, partitions: set[int]) -> None:
        """Have every partition given swept."""
        if self._sweep is not None and self._accepting:
            for partition in partitions:
                self._committer(partition).request_sweep()

    async def enter(self, partition: int, entry: Prepared) -> None:
        """Have something decided and carried out beside the records; see ``ports/trail``."""
        if not self._ours(partition):
            raise Unavailable(Code.FENCED, "the partition is not this worker's")
        await self._committer(partition).enter(entry)

    async def drain(self, seconds: float) -> bool:
        """Take nothing more, let what is in flight finish for at most ``seconds``, cancel the rest. ``False``: a batch was cut off."""
        self._accepting = False
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not self.failed.done() and loop.time() < deadline and not self._quiet():  # noqa: ASYNC110  many conditions, bounded
            await asyncio.sleep(0.01)
        whole = all(committer.busy_since is None for committer, _ in self._committers.values())
        tasks = [*self._tasks, *(task for _, task in self._committers.values())]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)
        self._committers.clear()
        self._paused.clear()
        self._bytes = 0
        return whole

    def fail(self, error: BaseException) -> None:
        """The worker cannot go on: whoever started it stops it with a non-zero exit."""
        self._accepting = False
        if not self.failed.done():
            self.failed.set_result(error)

    # Inside.

    def _owned(self, topic: str) -> int:
        """How many partitions of a topic are read."""
        return sum(1 for name, _ in self.ledgers.places() if name == topic)

    def _ours(self, partition: int) -> bool:
        return self._accepting and partition in self.ledgers.partitions()

    def _quiet(self) -> bool:
        return not self._tasks and all(committer.idle for committer, _ in self._committers.values())

    def _committer(self, partition: int) -> Committer:
        if partition not in self._committers:
            committer = Committer(
                partition,
                rows=self._rows,
                commit=self._commit,
                sweep=self._sweep,
                telemetry=self._telemetry,
                clock=self._clock,
                settings=self._settings,
                progress=self._progress,
                finished=self._finished,
                again=self._begin,
            )
            task = asyncio.create_task(committer.run())
            task.add_done_callback(self._committer_ended)
            self._committers[partition] = committer, task
        return self._committers[partition][0]

    def _begin(self, entry: Entry) -> None:
        """Prepare a record, beside all others."""
        task = asyncio.create_task(self._prepare(entry, self._committer(entry.record.partition)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _committer_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def _progress(self, entries: Sequence[Entry]) -> dict[str, Progress]:
        """By topic, what may be committed once ``entries`` (of one partition number) are finished."""
        finished: dict[str, list[int]] = {}
        found: dict[str, Progress] = {}
        for entry in entries:
            finished.setdefault(entry.record.topic, []).append(entry.record.offset)
        for topic, offsets in finished.items():
            ledger = self.ledgers.current(topic, entries[0].record.partition)
            progress = None if ledger is None else ledger.progress(offsets)
            if progress is not None:
                found[topic] = progress
        return found

    def _finished(self, entry: Entry) -> None:
        ledger = self.ledgers.get(entry.generation, entry.record.topic, entry.record.partition)
        if ledger is not None:
            self._bytes -= entry.size
            ledger.finish(entry.record.offset)

    async def _prepare(self, entry: Entry, committer: Committer) -> None:
        stage, record = entry.stage, entry.record
        async with self._slots[stage.topic].of(record.partition):
            if not self._ours(record.partition):
                return  # whoever takes the partition over begins it
            try:
                async with asyncio.timeout(self._settings.record_seconds):
                    entry.prepared = await stage.prepare(record)
            except Exception as error:  # noqa: BLE001  whatever a stage raises, the record must end; what it was is emitted
                if not self._ours(record.partition):
                    return  # nor does it end here
                self._telemetry.emit(StageFailed(record.topic, type(error).__name__, where(error)))
                try:
                    entry.prepared = stage.poisoned(record)
                except Exception as worse:  # noqa: BLE001  nothing is left to decide for this record: stop rather than skip it
                    self.fail(worse)
                    return
        if stage.ordered:
            committer.wake()
        else:
            committer.enqueue(entry)

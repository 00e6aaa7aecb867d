"""Egress's batches on fakes: marked requests in, rows, a provider in memory, completions out; crashes where a test wants them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from streamgate.codec import encode
from streamgate.errors import Code, Unavailable
from streamgate.pipeline._batch_decide import Moved
from streamgate.pipeline._batch_form import BatchLimits
from streamgate.pipeline._batch_state import Batch, BatchState
from streamgate.pipeline._batch_steps import BatchSteps
from streamgate.pipeline.batch import Batches, TakeIn
from streamgate.pipeline.ports.stage import Effects, Output, Prepared
from streamgate.provider import CallFailed, Purse
from streamgate.types import DEFAULT_PROVIDER, Inbound, Topic
from tests.fakes.archive import FakeArchive
from tests.fakes.batch_model import Crash, FakeBatchModel
from tests.fakes.effects import SeededEntropy
from tests.fakes.egress import REFERENCE, Egress
from tests.fakes.pipeline import MODEL, read, schemas
from tests.fakes.trail import FakeTrail


class CrashingTrail(FakeTrail):
    """A trail at which the worker may be lost before or after a commit."""

    def __init__(self, egress: Egress) -> None:
        super().__init__(egress.state)
        self.crash: Callable[[], str] = lambda: ""
        """``before`` or ``after``: where the worker is lost."""
        self.entered: Callable[[Prepared], None] = lambda _: None
        """Called when something was committed."""
        self._egress = egress

    async def enter(self, partition: int, entry: Prepared) -> None:
        where = self.crash()
        if where == "before":
            raise Crash
        if self.down:
            raise Unavailable(Code.INTERNAL_ERROR, "trail")
        effects = entry.decide(partition, self._egress.state)
        self._egress.state.carry_out(effects)
        self.outputs.extend(effects.outputs)
        for fact in effects.facts:
            self._egress.telemetry.emit(fact)
        self.entered(entry)
        if where == "after":
            raise Crash


class BatchWorld:
    """One partition of egress with batches."""

    def __init__(self, model: FakeBatchModel | None = None, limits: BatchLimits | None = None, purse: Purse | None = None) -> None:
        self.egress = Egress(purse=purse)
        self.trail = CrashingTrail(self.egress)
        self.archive = FakeArchive()
        self.model = model or FakeBatchModel()
        self.limits = limits or BatchLimits(longest_wait_ms=60_000)
        self.clock, self.state, self.telemetry = self.egress.clock, self.egress.state, self.egress.telemetry
        self.start()
        self._offset = -1

    def start(self) -> None:
        """A worker that knows nothing but the rows."""
        egress = self.egress
        egress.stage = type(egress.stage)(
            decoder=egress.stage.decoder,
            completions=egress.stage.completions,
            policy=egress.policy,
            gate=egress.gate,
            caller=egress.stage.caller,
            trail=self.trail,
            audit=egress.stage.audit,
            letters=egress.stage.letters,
            spending=egress.stage.spending,
            clock=egress.clock,
            known_state=egress.stage.known_state,
        )
        steps = BatchSteps(egress.stage, {DEFAULT_PROVIDER: self.model}, self.archive, self.telemetry)
        self.batches = Batches(steps, self.limits, SeededEntropy(f"own-{self.clock.now_ms()}"))
        self.stage = TakeIn(egress.stage)

    async def take_in(self, number: int, **fields: Any) -> bytes:
        """A marked request, read and taken in; its id."""
        self._offset += 1
        request_id = number.to_bytes(16, "big")
        fields = {"request_id": request_id, "deadline_at": self.clock.now_ms() + 90_000_000} | fields
        value = encode(schemas().latest(Topic.REQUESTS), self.egress.request(**fields))
        record = Inbound(Topic.REQUESTS_BATCH, 0, self._offset, self.clock.now_ms(), REFERENCE, value)
        self.archive.records[Topic.REQUESTS_BATCH, 0, self._offset] = record
        self.taken: Effects = (await self.stage.prepare(record)).decide(0, self.state)
        self.state.carry_out(self.taken)
        return request_id

    def passes(self, seconds: float) -> None:
        """Time goes by, and vault says so."""
        self.clock.advance(seconds)
        self.egress.standing.mark()
        self.model.tick()

    async def round(self) -> None:
        """Form and go on, once; what fails is left for the next round, and a lost worker is replaced."""
        try:
            await self.batches.form(0)
            for own_id in self.batches.of(0):
                try:
                    await self.batches.go_on(0, own_id)
                except (CallFailed, Unavailable, Moved):
                    continue
        except Crash:
            self.start()

    async def until_over(self, rounds: int = 200) -> None:
        """Until nothing waits and no batch is left."""
        for _ in range(rounds):
            if not self.waiting and not self.all():
                return
            self.passes(61)
            await self.round()
        raise AssertionError([batch.phase for batch in self.all()])

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return sum(1 for _ in BatchState(self.state).waiting())

    def all(self) -> tuple[Batch, ...]:
        """Every batch there is a row of."""
        return BatchState(self.state).batches()

    def published(self, topic: Topic) -> list[dict[str, Any]]:
        """Records that were published on a topic."""
        return [read(output) for output in self._outputs if output.topic == topic]

    def codes(self) -> dict[bytes, str]:
        """How each request ended."""
        return {record["request_id"]: record["code"] for record in self.published(Topic.COMPLETIONS)}

    def completions(self) -> Counter[bytes]:
        """How often each request ended."""
        return Counter(record["request_id"] for record in self.published(Topic.COMPLETIONS))

    @property
    def _outputs(self) -> list[Output]:
        return self.trail.outputs


__all__ = ["MODEL", "BatchWorld"]

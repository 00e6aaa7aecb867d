"""Batch: requests marked for it wait in rows, are made into batches, and end like every other request, hours later.

A record of ``requests.batch`` is done as soon as it is taken in: it would hold up its partition otherwise. What it says is read again from
where it stands when its batch is made, and when it is answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from streamgate.effects import Entropy
from streamgate.errors import RecordError, Unavailable
from streamgate.pipeline._batch_decide import Form, TakenIn, Unreadable
from streamgate.pipeline._batch_form import BatchLimits, full_or_due
from streamgate.pipeline._batch_state import OWN_ID_BYTES, Batch, BatchState, Phase, Place
from streamgate.pipeline._batch_steps import BatchSteps
from streamgate.pipeline.complete import Complete
from streamgate.pipeline.ports.known import Committed
from streamgate.pipeline.ports.stage import Prepared
from streamgate.telemetry import BatchesHeld
from streamgate.types import Inbound, ModelRef, Topic


@dataclass(frozen=True, slots=True)
class TakeIn:
    """The stage over ``requests.batch``."""

    complete: Complete
    topic: str = Topic.REQUESTS_BATCH
    ordered: bool = False

    def poisoned(self, record: Inbound) -> Prepared:
        """Dead-letter a request on which our own code failed; its prompt is closed by its deadline."""
        return self.complete.poisoned(record)

    async def prepare(self, record: Inbound) -> Prepared:
        """Read what a row must say of it."""
        try:
            request = (await self.complete.decoder.decode(self.topic, record.value)).record
        except (RecordError, Unavailable) as error:
            return Unreadable(self.complete, record, error.code)
        size = len(record.value or b"")
        now_ms = self.complete.clock.now_ms()
        model = ModelRef(request["provider"], request["model"]).name
        return TakenIn(record, Place(request["request_id"], record.offset, request["deadline_at"], now_ms, size, model))


@dataclass(frozen=True, slots=True)
class Batches:
    """The batches of the partitions that a worker owns."""

    steps: BatchSteps
    limits: BatchLimits
    entropy: Entropy

    def of(self, partition: int) -> tuple[bytes, ...]:
        """Own ids of a partition's batches."""
        return tuple(batch.own_id for batch in self._state(partition).batches())

    async def form(self, partition: int) -> None:
        """Make batches of what waits, where it is enough or has waited long enough."""
        stage = self.steps.stage
        for places in tuple(full_or_due(self._state(partition).waiting(), stage.clock.now_ms(), self.limits)):
            batch = Batch(self.entropy.token_bytes(OWN_ID_BYTES), Phase.FORMED, places[0].model, stage.clock.now_ms())
            await stage.trail.enter(partition, Form(batch, places))

    async def go_on(self, partition: int, own_id: bytes) -> float | None:
        """See :meth:`BatchSteps.go_on`."""
        return await self.steps.go_on(partition, own_id)

    def held(self, partitions: Iterable[int]) -> BatchesHeld:
        """What there is of these partitions."""
        states = Counter({phase.value: 0 for phase in Phase})
        requests = files = 0
        for partition in partitions:
            view = Committed(self.steps.stage.known_state, partition)
            requests += sum(1 for prefix in (b"W", b"M") for _ in view.scan(prefix))
            for batch in BatchState(view).batches():
                states[batch.phase.value] += 1
                files += len(batch.files)
        return BatchesHeld(dict(states), requests, files)

    def _state(self, partition: int) -> BatchState:
        return BatchState(Committed(self.steps.stage.known_state, partition))

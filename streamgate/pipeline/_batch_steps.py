"""What is done with a batch, step by step. Before anything that cannot be taken back, the step stands in Kafka, under the fence.

After a crash a phase says what to do, and nothing else does; a failure in the same process takes the same way:

- ``formed``, an upload begun: files of the batch's name are deleted, and it begins anew;
- ``uploaded``: a batch of its name is looked for and adopted. Where there is none the file is deleted first, which keeps an attempt that
  is still under way from ever being run, and it is looked for again. Only then it begins anew.
- ``running`` to ``deleting``: asking, reading and deleting may be done twice; a completion is published once, by the requests' rows.
- ``watched``: after an attempt that was cut off, what has appeared late is deleted before the row goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from streamgate.errors import Code
from streamgate.pipeline._batch_decide import Intend, PutBack, Step
from streamgate.pipeline._batch_read import Ending
from streamgate.pipeline._batch_results import publish
from streamgate.pipeline._batch_state import Batch, BatchState, Phase
from streamgate.pipeline._call import Called
from streamgate.pipeline._masked_request import chat_call
from streamgate.pipeline.complete import Complete
from streamgate.pipeline.ports.archive import Archive
from streamgate.pipeline.ports.known import Committed
from streamgate.provider import NOT_BEGUN, BatchModel, BatchStatus, CallFailed, ProviderBatch, Reason, failed
from streamgate.telemetry import CallRepeated, Telemetry
from streamgate.types import ModelRef

WATCH_MS: Final = 600_000
EARLIER_MS: Final = 3_600_000
"""The provider's clock may be behind ours by so much."""
LONGEST_POLL_SECONDS: Final = 600.0
_NEVER_RUN: Final = frozenset({BatchStatus.REJECTED, BatchStatus.BUSY})


@dataclass(frozen=True, slots=True)
class BatchSteps:
    """Takes one batch as far as it goes now."""

    stage: Complete
    models: Mapping[str, BatchModel]
    """By provider."""
    archive: Archive
    telemetry: Telemetry
    poll_seconds: float = 30.0

    async def go_on(self, partition: int, own_id: bytes) -> float | None:
        """Seconds after which to look again; ``None`` when the batch is over.

        Raises ``CallFailed`` and ``Unavailable`` for what may be tried again, ``Moved`` where somebody else goes on with it.
        """
        do = {
            Phase.FORMED: self._send,
            Phase.UPLOADED: self._resume,
            Phase.RUNNING: self._poll,
            Phase.ENDED: self._publish,
            Phase.DELETING: self._delete,
            Phase.WATCHED: self._watch,
        }
        while True:
            batch = BatchState(Committed(self.stage.known_state, partition)).batch(own_id)
            if batch is None:
                return None
            wait_seconds = await do[batch.phase](partition, batch)
            if wait_seconds is not None:
                return wait_seconds

    async def _step(self, partition: int, before: Batch, after: Batch | None) -> None:
        await self.stage.trail.enter(partition, Step(before, after))

    def _ending(self, partition: int, batch: Batch) -> Ending:
        return Ending(self.stage, self.archive, partition, batch)

    def _at(self, batch: Batch) -> BatchModel:
        model = self.models.get(ModelRef.parse(batch.model).provider)
        if model is None:
            raise failed(Reason.UNAUTHORISED)  # there is no key for it: what it holds stays until there is, or expires
        return model

    async def _send(self, partition: int, batch: Batch) -> None:
        if ModelRef.parse(batch.model).provider not in self.models:
            await self._not_made(partition, batch, batch, failed(Reason.UNAUTHORISED))
            return
        model = self._at(batch)
        if batch.uploads:
            for file in await model.files(batch.name):
                await model.delete(file)
        members = BatchState(Committed(self.stage.known_state, partition)).members(batch.own_id)
        requests = [read.request for read in await self._ending(partition, batch).permitted(members)]
        if not requests:
            await self._step(partition, batch, _nothing_left(batch))
            return
        begun = replace(batch, uploads=batch.uploads + 1, doubtful=batch.doubtful or batch.uploads > 0)
        await self.stage.trail.enter(partition, Intend(self.stage, Step(batch, begun), requests))
        if not await self._still_permitted(partition, requests):
            return  # reading them took its time: from the beginning, without those that may not go out any more
        try:
            file = await model.upload(batch.name, [chat_call(request) for request in requests])
        except CallFailed as failure:
            await self._not_made(partition, begun, begun, failure)
            return
        if not await self._still_permitted(partition, requests):
            await model.delete(file)  # and from the beginning: those that may not go out any more end there
            return
        asked = replace(begun, phase=Phase.UPLOADED, input_file=file, creates=begun.creates + 1)
        await self._step(partition, begun, asked)
        try:
            made = await model.create(batch.name, file)
        except CallFailed as failure:
            await self._not_made(partition, asked, replace(asked, creates=begun.creates), failure)
            return
        await self._step(partition, asked, replace(asked, phase=Phase.RUNNING, batch_id=made.batch_id))

    async def _still_permitted(self, partition: int, requests: list[dict[str, Any]]) -> bool:
        return all([await self.stage.gate.pass_or_code(partition, request) is Code.OK for request in requests])

    async def _not_made(self, partition: int, batch: Batch, untouched: Batch, failure: CallFailed) -> None:
        """The provider refused: for good, so that every request ends, or for now. In doubt the phase's own way is gone later."""
        if failure.reason not in NOT_BEGUN:
            raise failure
        if untouched != batch:
            await self._step(partition, batch, untouched)
        if failure.retryable:
            raise failure
        members = BatchState(Committed(self.stage.known_state, partition)).members(batch.own_id)
        await self._ending(partition, untouched).all(members, Called(failure.code, calls=untouched.creates))
        await self._step(partition, untouched, _nothing_left(untouched))

    async def _resume(self, partition: int, batch: Batch) -> None:
        found = await self._made_before(batch)
        if found is None:
            if batch.input_file is not None:
                await self._at(batch).delete(batch.input_file)
            found = await self._made_before(batch)
        if found is not None:
            await self._step(partition, batch, replace(batch, phase=Phase.RUNNING, batch_id=found.batch_id, doubtful=True))
            return
        await self._step(partition, batch, replace(batch, phase=Phase.FORMED, input_file=None, doubtful=True))

    async def _made_before(self, batch: Batch) -> ProviderBatch | None:
        """A batch of this name; before one that was never run, one that was."""
        if not batch.creates:
            return None
        found = await self._at(batch).find(batch.name, batch.formed_ms - EARLIER_MS)
        return next(iter(sorted(found, key=lambda each: each.status in _NEVER_RUN)), None)

    async def _poll(self, partition: int, batch: Batch) -> float | None:
        batch_id = batch.batch_id or ""
        seen = await self._at(batch).look(batch_id) or ProviderBatch(batch_id, BatchStatus.CANCELLED)
        now_ms = self.stage.clock.now_ms()
        if seen.status is BatchStatus.RUNNING:
            members = BatchState(Committed(self.stage.known_state, partition)).members(batch.own_id)
            if all(place.deadline_ms <= now_ms for place in members):
                await self._at(batch).cancel(batch_id)  # nobody waits for it any more
            return min(LONGEST_POLL_SECONDS, max(self.poll_seconds, (now_ms - batch.formed_ms) / 20_000))
        ended = replace(batch, phase=Phase.ENDED, status=seen.status, output_file=seen.output_file, error_file=seen.error_file)
        step = Step(batch, ended)
        if seen.status is BatchStatus.BUSY or (seen.status is BatchStatus.REJECTED and batch.doubtful):
            await self.stage.trail.enter(partition, PutBack(step, now_ms))
        else:
            await self.stage.trail.enter(partition, step)
        return None

    async def _publish(self, partition: int, batch: Batch) -> None:
        members = BatchState(Committed(self.stage.known_state, partition)).members(batch.own_id)
        if members:
            await publish(self._at(batch), self._ending(partition, batch), members, self.telemetry)
        await self._step(partition, batch, replace(batch, phase=Phase.DELETING))

    async def _delete(self, partition: int, batch: Batch) -> None:
        for file in batch.files:
            await self._at(batch).delete(file)
        until_ms = self.stage.clock.now_ms() + WATCH_MS
        watched = replace(batch, phase=Phase.WATCHED, input_file=None, output_file=None, error_file=None, watch_until_ms=until_ms)
        await self._step(partition, batch, watched if batch.doubtful else None)

    async def _watch(self, partition: int, batch: Batch) -> float | None:
        left_ms = batch.watch_until_ms - self.stage.clock.now_ms()
        if left_ms > 0:
            return left_ms / 1000
        found = await self._at(batch).find(batch.name, batch.formed_ms - EARLIER_MS)
        strangers = [each for each in found if each.batch_id != batch.batch_id]
        for each in strangers:
            if each.status is BatchStatus.RUNNING:
                await self._at(batch).cancel(each.batch_id)
                return self.poll_seconds
        for each in strangers:
            for file in (each.output_file, each.error_file):
                if file is not None:
                    await self._at(batch).delete(file)
        for file in await self._at(batch).files(batch.name):
            await self._at(batch).delete(file)
        for each in strangers:
            if each.status not in _NEVER_RUN:
                self.telemetry.emit(CallRepeated(batch.model))
        await self._step(partition, batch, None)
        return None


def _nothing_left(batch: Batch) -> Batch:
    """No request is in it any more; an upload that seemed to fail may still appear."""
    return replace(batch, phase=Phase.DELETING, doubtful=batch.doubtful or batch.uploads > 0)

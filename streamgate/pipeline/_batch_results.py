"""Publishes what came of a batch: one completion of each request, whatever the provider's files say or leave out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from streamgate.errors import Code
from streamgate.pipeline._batch_read import Ending
from streamgate.pipeline._batch_state import Place
from streamgate.pipeline._call import Called
from streamgate.pipeline._egress_state import EgressState
from streamgate.provider import CODE_OF, BatchLine, BatchModel, BatchStatus, CallFailed, ChatReply, Reason
from streamgate.telemetry import BatchLineDropped, Telemetry
from streamgate.types import ModelRef

_MISSING: Final = {BatchStatus.COMPLETED: Code.PROVIDER_INVALID_REPLY}
"""How a request ends of which no line speaks; of a batch that did not complete, as one that the provider failed."""


async def publish(model: BatchModel, ending: Ending, members: Sequence[Place], telemetry: Telemetry) -> None:
    """End every member. Raises ``CallFailed`` where the files may be had later and somebody still waits for them."""
    batch = ending.batch
    open_places = {place.request_id: place for place in members}
    seen: set[bytes] = set()
    for file in (batch.output_file, batch.error_file):
        if file is None or not open_places:
            continue
        try:
            async for line in model.results(file):
                if line is None or line.request_id not in open_places:
                    _dropped(line, seen, ending, telemetry)
                    continue
                seen.add(line.request_id)
                await ending.add(open_places.pop(line.request_id), _called(line.outcome, batch.model, batch.creates))
        except CallFailed as failure:
            await ending.flush()
            now_ms = ending.stage.clock.now_ms()
            if failure.retryable and any(place.deadline_ms > now_ms for place in open_places.values()):
                raise
    await ending.all(open_places.values(), Called(_MISSING.get(batch.status, Code.PROVIDER_FAILED), calls=batch.creates))


def _dropped(line: BatchLine | None, seen: set[bytes], ending: Ending, telemetry: Telemetry) -> None:
    """Count it, unless it was published before a crash or a failure, in an earlier reading."""
    if line is not None and line.request_id not in seen:
        answered = EgressState.answered(line.request_id)
        if ending.stage.known_state.get(ending.partition, answered) is not None:
            return
    telemetry.emit(BatchLineDropped())


def _called(outcome: ChatReply | Reason, model: str, creates: int) -> Called:
    if isinstance(outcome, ChatReply):
        return Called(Code.OK, replace(outcome, model=outcome.model or ModelRef.parse(model).model), calls=creates)
    return Called(CODE_OF[outcome], calls=creates)

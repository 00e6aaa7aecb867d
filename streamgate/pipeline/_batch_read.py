"""The requests of a batch, read again from where they stand, and ended in transactions of bounded size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from streamgate.detect import final_scan
from streamgate.errors import Code, RecordError, Unavailable
from streamgate.pipeline._batch_decide import Answers, Ended, Lost
from streamgate.pipeline._batch_state import Batch, Place
from streamgate.pipeline._call import Called
from streamgate.pipeline._masked_request import chat_call, outgoing
from streamgate.pipeline._tab import Tab
from streamgate.pipeline.complete import Complete
from streamgate.pipeline.ports.archive import Archive
from streamgate.provider import Payable
from streamgate.types import ModelRef, Topic

AT_ONCE: Final = 50
BYTES_AT_ONCE: Final = 2_000_000


@dataclass(slots=True)
class Ending:
    """Requests that have ended, on their way to their completions."""

    stage: Complete
    archive: Archive
    partition: int
    batch: Batch
    _ended: list[Ended] = field(default_factory=list)
    _lost: list[Place] = field(default_factory=list)
    _bytes: int = 0

    async def add(self, place: Place, called: Called) -> None:
        """One more; those before it may be published now."""
        await self.add_read(place, await self.read(place), called)

    async def add_read(self, place: Place, ended: Ended | None, called: Called) -> None:
        """One that was read; ``None`` where it is not there any more."""
        if ended is None:
            self._lost.append(place)
        else:
            self._ended.append(Ended(ended.record, ended.request, called))
            self._bytes += place.size + (0 if called.reply is None else len(called.reply.text))
        if len(self._ended) + len(self._lost) >= AT_ONCE or self._bytes >= BYTES_AT_ONCE:
            await self.flush()

    async def all(self, places: Iterable[Place], called: Called) -> None:
        """All of these alike."""
        for place in places:
            await self.add(place, called)
        await self.flush()

    async def flush(self) -> None:
        """Publish what there is."""
        if self._ended:
            await self.stage.trail.enter(self.partition, Answers(self.stage, self.batch, tuple(self._ended)))
        if self._lost:
            await self.stage.trail.enter(self.partition, Lost(self.batch, tuple(self._lost)))
        self._ended, self._lost, self._bytes = [], [], 0

    async def read(self, place: Place) -> Ended | None:
        """A request as vault wrote it, not ended yet; ``None`` where retention has removed it."""
        record = await self.archive.read(Topic.REQUESTS_BATCH, self.partition, place.offset)
        if record is None:
            return None
        try:
            request = (await self.stage.decoder.decode(Topic.REQUESTS_BATCH, record.value)).record
        except RecordError:
            return None
        return Ended(record, request, Called(Code.OK)) if request["request_id"] == place.request_id else None

    async def permitted(self, places: Iterable[Place]) -> list[Ended]:
        """Those that may go out at this moment; the others end with their code."""
        may: list[Ended] = []
        tabs: list[Tab] = []
        try:
            for place in places:
                read = await self.read(place)
                code = Code.INTERNAL_ERROR if read is None else await self._code(read, tabs)
                if read is not None and code is Code.OK:
                    may.append(read)
                else:
                    await self.add_read(place, read, Called(code, calls=self.batch.creates))
        finally:
            for tab in tabs:  # what a batch that is running will cost nobody sets aside for a day
                tab.drop()
        await self.flush()
        return may

    async def _code(self, read: Ended, tabs: list[Tab]) -> Code:
        if any(final_scan(text) for text in outgoing(read.request)):
            return Code.FINAL_SCAN_HIT
        purpose = self.stage.policy.purpose(read.request["purpose"])
        if purpose is None or not purpose.batch:
            return Code.BATCH_NOT_ALLOWED
        if not self.stage.policy.may_call(purpose.name, ModelRef.parse(self.batch.model)):
            return Code.UNKNOWN_MODEL
        tab = self.stage.spending.till.open(read.request["tenant"], read.request["purpose"], batch=True)
        if tab.unknown():
            raise Unavailable(Code.BROKER_UNAVAILABLE, "what was spent is still being read")
        tabs.append(tab)
        if tab.take(self.batch.model, self.stage.caller.estimate(chat_call(read.request))) is not Payable.NOW:
            return Code.MONEY_SPENT
        return await self.stage.gate.pass_or_code(self.partition, read.request)

"""A provider of batches in memory, which can fail, answer late, and lose the worker that asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from streamgate.provider import BatchLine, BatchStatus, ChatCall, ChatReply, ProviderBatch, Reason, failed
from streamgate.types import Usage


class Crash(BaseException):
    """The worker is gone at this point."""


class Fault(Enum):
    """What may happen to one thing that the provider is asked."""

    NONE = "none"
    REFUSED = "refused"
    """Said no, for now."""
    LOST_BEFORE = "lost before"
    """Nothing was done, and nobody knows."""
    LOST_AFTER = "lost after"
    """It was done, and the reply was lost."""
    LOST_LATE = "lost late"
    """It will be done a little later."""
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    CRASH_LATE = "crash late"


@dataclass(slots=True)
class _Made:
    name: str
    file: str
    seen: ProviderBatch
    looks: int = 0


def _as_it_is(lines: list[BatchLine | None]) -> list[BatchLine | None]:
    return lines


@dataclass(slots=True)
class FakeBatchModel:
    """Implements ``streamgate.provider.BatchModel``."""

    fault: Callable[[str], Fault] = lambda _: Fault.NONE
    ending: Callable[[], BatchStatus] = lambda: BatchStatus.COMPLETED
    written: Callable[[list[BatchLine | None]], list[BatchLine | None]] = _as_it_is
    """What becomes of the lines of a result."""
    looks: int = 0
    """So many moments a batch is still running; with 0 it is run when it is created."""
    delay: Callable[[], int] = lambda: 1
    """After how many further questions happens what is late."""
    inputs: dict[str, tuple[str, tuple[ChatCall, ...]]] = field(default_factory=dict)
    outputs: dict[str, list[BatchLine | None]] = field(default_factory=dict)
    batches: dict[str, _Made] = field(default_factory=dict)
    runs: list[bytes] = field(default_factory=list)
    """Every request that was run, so often as it was: what is paid."""
    asked: list[str] = field(default_factory=list)
    _late: list[tuple[int, Callable[[], object]]] = field(default_factory=list)
    _ids: int = 0

    async def upload(self, name: str, calls: Sequence[ChatCall]) -> str:
        return str(self._do("upload", lambda: self._upload(name, tuple(calls))))

    async def create(self, name: str, file_id: str) -> ProviderBatch:
        made = self._do("create", lambda: self._create(name, file_id))
        assert isinstance(made, ProviderBatch)
        return made

    async def find(self, name: str, since_ms: int) -> tuple[ProviderBatch, ...]:
        self._do("find", lambda: None)
        return tuple(made.seen for made in self.batches.values() if made.name == name)

    async def files(self, name: str) -> tuple[str, ...]:
        self._do("files", lambda: None)
        return tuple(file for file, (known, _) in self.inputs.items() if known == name)

    async def look(self, batch_id: str) -> ProviderBatch | None:
        self._do("look", lambda: None)
        made = self.batches.get(batch_id)
        if made is None:
            return None
        return made.seen

    async def cancel(self, batch_id: str) -> None:
        made = self.batches.get(batch_id)
        if made is not None and made.seen.status is BatchStatus.RUNNING:
            self._do("cancel", lambda: self._run(made, BatchStatus.CANCELLED))

    async def results(self, file_id: str) -> AsyncIterator[BatchLine | None]:
        if file_id not in self.outputs:
            raise failed(Reason.NOT_FOUND)
        for number, line in enumerate(self.outputs[file_id]):
            if number % 2 == 0:
                self._do("results", lambda: None)
            yield line

    async def delete(self, file_id: str) -> None:
        self._do("delete", lambda: (self.inputs.pop(file_id, None), self.outputs.pop(file_id, None)))

    # inside

    @property
    def held(self) -> tuple[str, ...]:
        """Every file that is still there."""
        return (*self.inputs, *self.outputs)

    def tick(self) -> None:
        """A moment passes: batches go on by themselves."""
        for made in self.batches.values():
            made.looks += 1
            if made.seen.status is BatchStatus.RUNNING and made.looks > self.looks:
                self._run(made, self.ending())

    def settle(self) -> None:
        """What was to happen late happens now."""
        late, self._late = self._late, []
        for _, do in late:
            do()

    def _do(self, what: str, do: Callable[[], object]) -> object:
        self.asked.append(what)
        due = [do for left, do in self._late if left <= 0]
        self._late = [(left - 1, do) for left, do in self._late if left > 0]
        for late in due:
            late()
        fault = self.fault(what)
        if fault is Fault.REFUSED:
            raise failed(Reason.RATE_LIMITED)
        if fault in {Fault.LOST_BEFORE, Fault.CRASH_BEFORE}:
            raise failed(Reason.TIMEOUT) if fault is Fault.LOST_BEFORE else Crash
        if fault in {Fault.LOST_LATE, Fault.CRASH_LATE}:
            self._late.append((self.delay(), do))
            raise failed(Reason.CONNECTION) if fault is Fault.LOST_LATE else Crash
        done = do()
        if fault in {Fault.LOST_AFTER, Fault.CRASH_AFTER}:
            raise failed(Reason.TIMEOUT) if fault is Fault.LOST_AFTER else Crash
        return done

    def _id(self, kind: str) -> str:
        self._ids += 1
        return f"{kind}-{self._ids}"

    def _upload(self, name: str, calls: tuple[ChatCall, ...]) -> str:
        file_id = self._id("file")
        self.inputs[file_id] = name, calls
        return file_id

    def _create(self, name: str, file_id: str) -> ProviderBatch:
        seen = ProviderBatch(self._id("batch"), BatchStatus.RUNNING if file_id in self.inputs else BatchStatus.REJECTED)
        made = self.batches[seen.batch_id] = _Made(name, file_id, seen)
        if not self.looks:
            self._run(made, self.ending())
        return seen

    def _run(self, made: _Made, status: BatchStatus) -> None:
        if made.file not in self.inputs:
            status = BatchStatus.REJECTED
        if status in {BatchStatus.REJECTED, BatchStatus.BUSY}:
            made.seen = replace(made.seen, status=status)
            return
        calls = self.inputs[made.file][1]
        lines: list[BatchLine | None]
        if status is BatchStatus.COMPLETED:
            self.runs += [call.request_id for call in calls]
            lines = [BatchLine(call.request_id, _reply(call)) for call in calls]
        else:
            lines = [BatchLine(call.request_id, Reason.SERVER_ERROR) for call in calls]
        file = self._id("result")
        self.outputs[file] = self.written(lines)
        made.seen = replace(made.seen, status=status, output_file=file)


def _reply(call: ChatCall) -> ChatReply:
    return ChatReply(call.messages[-1].content.text, "stop", call.model, Usage(10, 5), "req_fake")

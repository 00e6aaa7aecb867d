"""What every provider of batches keeps: the fake, and the real client before a server that has the Files and Batches API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streamgate.adapters.openai_batch import OpenAIBatch
from streamgate.demo._provider import SimulatedProvider
from streamgate.errors import Code
from streamgate.provider import BatchModel, BatchStatus, CallFailed, ChatCall, ChatReply, Reason
from streamgate.types import MaskedMessage, MaskedText, Parameters
from tests.fakes.batch_model import FakeBatchModel, Fault

NAME = "streamgate-0123456789abcdef"


def call(number: int) -> ChatCall:
    """One of several calls."""
    message = MaskedMessage("user", MaskedText(f"hello [PERSON_k7q2fa3c] {number}"))
    return ChatCall(number.to_bytes(16, "big"), "gpt-4o-mini", (message,), Parameters(max_output_tokens=20), "sg-1")


class Subject:
    """A model under test and what its provider does."""

    def __init__(self, model: BatchModel, provider: SimulatedProvider | None) -> None:
        self.model = model
        self._provider = provider

    def run_on(self) -> None:
        if self._provider is not None:
            self._provider.desk.looks = 1_000
        elif isinstance(self.model, FakeBatchModel):
            self.model.looks = 1_000

    def expire(self) -> None:
        if self._provider is not None:
            self._provider.desk.ending = "expired"
        elif isinstance(self.model, FakeBatchModel):
            self.model.ending = lambda: BatchStatus.EXPIRED

    def limit_rate(self) -> None:
        if self._provider is not None:
            self._provider.desk.fail_next(429)
        elif isinstance(self.model, FakeBatchModel):
            self.model.fault = lambda _: Fault.REFUSED


@pytest.fixture(params=["fake", "openai"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """Both implementations; a batch has ended when it is looked at."""
    if request.param == "fake":
        yield Subject(FakeBatchModel(), None)
        return
    async with SimulatedProvider() as provider:
        provider.desk.looks = 0
        model = OpenAIBatch("key", provider.base_url)
        yield Subject(model, provider)
        await model.close()


async def test_every_call_of_a_batch_has_its_line(subject: Subject) -> None:
    """Under its own id, with a checked reply."""
    file = await subject.model.upload(NAME, [call(number) for number in range(30)])
    made = await subject.model.create(NAME, file)
    seen = await subject.model.look(made.batch_id)
    assert seen is not None
    assert seen.status is BatchStatus.COMPLETED
    assert seen.output_file is not None
    lines = [line async for line in subject.model.results(seen.output_file)]
    assert {line.request_id for line in lines if line is not None} == {call(number).request_id for number in range(30)}
    assert all(line is not None and isinstance(line.outcome, ChatReply) for line in lines)
    assert "hello" not in repr(lines)


async def test_a_batch_and_a_file_are_found_by_their_name(subject: Subject) -> None:
    """Among many others; only those of the very name."""
    subject.run_on()
    wanted = await subject.model.upload(NAME, [call(0)])
    made = await subject.model.create(NAME, wanted)
    for number in range(45):
        other = await subject.model.upload(f"{NAME}{number}", [call(1)])
        await subject.model.create(f"{NAME}{number}", other)
    assert [each.batch_id for each in await subject.model.find(NAME, 0)] == [made.batch_id]
    assert await subject.model.files(NAME) == (wanted,)
    assert await subject.model.find("streamgate-none", 0) == ()
    assert await subject.model.files("streamgate-none") == ()


async def test_a_deleted_file_is_gone_and_deleting_it_again_is_fine(subject: Subject) -> None:
    """Also one that was never there."""
    file = await subject.model.upload(NAME, [call(0)])
    await subject.model.delete(file)
    await subject.model.delete(file)
    await subject.model.delete("file-none")
    assert await subject.model.files(NAME) == ()


async def test_a_batch_of_a_deleted_file_is_never_run(subject: Subject) -> None:
    """So deleting the file stops an attempt that is still under way."""
    file = await subject.model.upload(NAME, [call(0)])
    await subject.model.delete(file)
    made = await subject.model.create(NAME, file)
    seen = await subject.model.look(made.batch_id)
    assert seen is not None
    assert (seen.status, seen.output_file) == (BatchStatus.REJECTED, None)


async def test_of_a_batch_that_expired_each_line_is_a_failure(subject: Subject) -> None:
    """Under the request's id."""
    subject.expire()
    made = await subject.model.create(NAME, await subject.model.upload(NAME, [call(0)]))
    seen = await subject.model.look(made.batch_id)
    assert seen is not None
    assert seen.status is BatchStatus.EXPIRED
    file = seen.output_file or seen.error_file
    assert file is not None
    lines = [line async for line in subject.model.results(file)]
    assert [(line.request_id, line.outcome) for line in lines if line is not None] == [(bytes(16), Reason.SERVER_ERROR)]


async def test_a_batch_can_be_cancelled(subject: Subject) -> None:
    """One that has ended, or is not known, may be too."""
    subject.run_on()
    made = await subject.model.create(NAME, await subject.model.upload(NAME, [call(0)]))
    running = await subject.model.look(made.batch_id)
    assert running is not None
    assert running.status is BatchStatus.RUNNING
    for batch_id in (made.batch_id, made.batch_id, "batch_none"):
        await subject.model.cancel(batch_id)
    seen = await subject.model.look(made.batch_id)
    assert seen is not None
    assert seen.status is BatchStatus.CANCELLED


async def test_what_is_not_known_is_none_or_not_found(subject: Subject) -> None:
    """A batch; a result."""
    assert await subject.model.look("batch_none") is None
    with pytest.raises(CallFailed) as caught:
        [line async for line in subject.model.results("file-none")]
    assert (caught.value.reason, caught.value.retryable) == (Reason.NOT_FOUND, False)


async def test_a_failure_is_a_coded_one(subject: Subject) -> None:
    """With a reason and whether it may be tried again, and nothing that was sent."""
    subject.limit_rate()
    with pytest.raises(CallFailed) as caught:
        await subject.model.upload(NAME, [call(0)])
    assert (caught.value.code, caught.value.reason, caught.value.retryable) == (Code.PROVIDER_FAILED, Reason.RATE_LIMITED, True)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)

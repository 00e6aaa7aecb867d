"""Batch: marked requests wait in rows, go out together, and end one by one; what a crash leaves is found and not done twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from streamgate.errors import Code, Unavailable
from streamgate.pipeline._batch_decide import Moved, Step
from streamgate.pipeline._batch_state import Phase
from streamgate.pipeline._batch_steps import WATCH_MS
from streamgate.pipeline.complete import RECORD_KEPT_MS
from streamgate.provider import (
    BatchLine,
    BatchStatus,
    CallFailed,
    Reason,
    failed,
)
from streamgate.telemetry import BatchAnswered, BatchLineDropped, CopySeen, DeadLettered
from streamgate.types import Topic
from tests.fakes.batch_model import FakeBatchModel, Fault
from tests.fakes.batches import BatchWorld
from tests.fakes.pipeline import on


def once(*faults: Fault) -> FakeBatchModel:
    """A provider at which these things happen, one after another, and nothing after that."""
    left = list(faults)
    return FakeBatchModel(fault=lambda _: left.pop(0) if left else Fault.NONE)


async def test_a_request_waits_and_is_answered_by_a_batch() -> None:
    """It waits for others as long as it may; its intent stands before the file goes out; its audit event says that it was a batch."""
    it = BatchWorld()
    request_id = await it.take_in(1)
    await it.round()
    assert (it.waiting, it.all(), it.model.asked) == (1, (), [])
    it.passes(60)
    await it.round()
    assert it.codes() == {request_id: "ok"}
    (completion,) = it.published(Topic.COMPLETIONS)
    assert (completion["sealed"], completion["calls"], completion["provider_request_id"]) == (b"sealed", 1, "req_fake")
    assert [(event["fact"], event["counts"].get("batch")) for event in it.published(Topic.AUDIT_EVENTS)] == [
        ("call_intended", 1),
        ("call_completed", 1),
    ]
    assert it.model.asked == ["upload", "create", "look", "results", "delete", "delete"]
    assert (it.model.held, it.all()) == ((), ())
    assert it.telemetry.of(BatchAnswered) == [BatchAnswered("gpt-test", Code.OK)]


async def test_a_request_that_was_issued_twice_is_taken_in_once() -> None:
    """While it waits, while its batch runs, and after it was answered."""
    it = BatchWorld(FakeBatchModel(looks=3))
    await it.take_in(1)
    for _ in range(3):
        await it.take_in(1)
        assert it.taken.facts == (CopySeen("requests.batch"),)
        it.passes(61)
        await it.round()
    await it.until_over()
    await it.take_in(1)
    assert it.taken.facts == (CopySeen("requests.batch"),)
    assert list(it.completions().values()) == [1]


async def test_what_cannot_be_read_is_dead_lettered() -> None:
    """Its prompt is closed by its deadline."""
    it = BatchWorld()
    await it.take_in(1)
    record = replace(it.archive.records[Topic.REQUESTS_BATCH, 0, 0], value=b"x")
    effects = (await it.stage.prepare(record)).decide(0, it.state)
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["not_avro"]
    assert effects.facts == (DeadLettered("requests.batch", Code.NOT_AVRO),)


async def test_what_may_not_go_out_ends_at_once() -> None:
    """Personal data in the final payload, a withdrawal while it waited, a deadline that has passed; the rest goes."""
    it = BatchWorld()
    leak = await it.take_in(1, content="write to maria@example.com")
    gone = await it.take_in(2, reference=b"w" * 16)
    late = await it.take_in(3, deadline_at=it.clock.now_ms() + 30_000)
    fine = await it.take_in(4)
    it.egress.standing.forbid(0, b"w" * 16, "support", 6)
    it.passes(60)
    await it.round()
    assert it.codes() == {leak: "final_scan_hit", gone: "consent_withdrawn", late: "deadline_exceeded", fine: "ok"}
    assert it.model.runs == [fine]
    intended = [event["request_id"] for event in it.published(Topic.AUDIT_EVENTS) if event["fact"] == "call_intended"]
    assert intended == [fine]


async def test_a_withdrawal_after_the_upload_stops_the_batch() -> None:
    """The file is deleted, and the others go in a new one."""
    it = BatchWorld()

    def withdraw(what: str) -> Fault:
        if what == "upload":
            it.egress.standing.forbid(0, b"w" * 16, "support", 6)
        return Fault.NONE

    it.model.fault = withdraw
    gone = await it.take_in(1, reference=b"w" * 16)
    fine = await it.take_in(2)
    await it.until_over()
    assert it.codes() == {gone: "consent_withdrawn", fine: "ok"}
    assert it.model.runs == [fine]
    assert it.model.held == ()


async def test_who_withdraws_while_a_batch_is_read_is_not_in_its_file() -> None:
    """Reading a thousand requests takes seconds; consent is asked for again right before the file goes out."""
    it = BatchWorld()
    gone = await it.take_in(1, reference=b"w" * 16)
    fine = await it.take_in(2)
    it.trail.entered = lambda _: it.egress.standing.forbid(0, b"w" * 16, "support", 6)
    await it.until_over()
    assert it.codes() == {gone: "consent_withdrawn", fine: "ok"}
    assert it.model.asked.count("upload") == 1


async def test_a_file_that_appears_when_its_batch_is_over_is_deleted() -> None:
    """Its upload seemed to fail, and everybody in it has withdrawn before the second one."""
    left = [Fault.LOST_LATE]
    it = BatchWorld(FakeBatchModel(fault=lambda what: left.pop() if left and what == "upload" else Fault.NONE))
    it.model.delay = lambda: 50
    gone = await it.take_in(1, reference=b"w" * 16)
    it.passes(60)
    await it.round()
    it.egress.standing.forbid(0, b"w" * 16, "support", 6)
    it.passes(60)
    await it.round()
    it.model.settle()
    await it.until_over()
    assert (it.codes(), it.model.held) == ({gone: "consent_withdrawn"}, ())


async def test_a_batch_is_made_under_the_policy_as_it_is_now() -> None:
    """Since it was issued, batches were forbidden for its purpose, or its model was taken off the list."""
    for changed, code in (({"batch": False}, "batch_not_allowed"), ({"models": ("gpt-other",)}, "unknown_model")):
        it = BatchWorld()
        request_id = await it.take_in(1)
        purpose = replace(it.egress.policy.purposes["support"], **changed)
        it.egress.policy = replace(it.egress.policy, purposes={"support": purpose})
        it.start()
        await it.until_over()
        assert (it.codes(), it.model.asked) == ({request_id: code}, [])


@pytest.mark.parametrize("delay", range(8))
async def test_a_creation_that_arrives_late_is_run_once(delay: int) -> None:
    """Whenever it arrives after the worker was lost: it is adopted, or its file is gone and it is never run."""
    it = BatchWorld(once(Fault.NONE, Fault.CRASH_LATE))
    it.model.delay = lambda: delay
    ids = [await it.take_in(number) for number in range(3)]
    await it.until_over()
    assert it.completions() == Counter(ids)
    assert set(it.codes().values()) == {"ok"}
    assert Counter(it.model.runs) == Counter(ids)
    assert it.model.held == ()


@pytest.mark.parametrize("fault", [Fault.CRASH_AFTER, Fault.LOST_AFTER])
async def test_a_batch_whose_creation_was_not_heard_of_is_adopted(fault: Fault) -> None:
    """It is found by its own id; no second one is made."""
    it = BatchWorld(once(Fault.NONE, fault))
    await it.take_in(1)
    await it.until_over()
    assert it.model.asked.count("create") == 1
    assert set(it.codes().values()) == {"ok"}


async def test_a_file_of_a_lost_upload_is_deleted() -> None:
    """It is found by its name, before another goes out and again at the end."""
    it = BatchWorld(once(Fault.CRASH_LATE))
    it.model.delay = lambda: 6
    await it.take_in(1)
    it.passes(60)
    await it.round()
    it.passes(60)
    await it.round()
    assert [batch.phase for batch in it.all()] == [Phase.WATCHED]
    it.model.settle()
    assert len(it.model.held) == 1
    it.passes(WATCH_MS / 1000)
    await it.round()
    assert (it.model.held, it.all()) == ((), ())


async def test_a_stranger_of_the_same_name_is_cancelled_and_its_files_go() -> None:
    """A batch that appears after all was thought to be over is stopped, and what it may have cost is counted."""
    it = BatchWorld(once(Fault.NONE, Fault.CRASH_AFTER))
    await it.take_in(1)
    it.passes(60)
    await it.round()
    await it.round()
    (batch,) = it.all()
    assert batch.phase is Phase.WATCHED
    it.model.looks = 1_000
    await it.model.create(batch.name, await it.model.upload(batch.name, ()))
    await it.until_over()
    assert it.model.held == ()
    assert {made.seen.status for made in it.model.batches.values()} == {BatchStatus.COMPLETED, BatchStatus.CANCELLED}


@pytest.mark.parametrize("reason", [Reason.UNAUTHORISED, Reason.QUOTA_SPENT, Reason.NOT_FOUND])
@pytest.mark.parametrize("at", ["upload", "create"])
async def test_what_the_provider_refuses_for_good_ends_its_requests(reason: Reason, at: str) -> None:
    """With the code that a call would have had, and no file is left."""
    it = BatchWorld(Refusing(at, reason))
    request_id = await it.take_in(1)
    await it.until_over()
    assert it.codes() == {request_id: failed(reason).code.value}
    assert (it.model.held, it.model.runs) == ((), [])


class Refusing(FakeBatchModel):
    """Says no to one thing, always."""

    def __init__(self, at: str, reason: Reason) -> None:
        def refuse(what: str) -> Fault:
            if what == at:
                raise failed(reason)
            return Fault.NONE

        super().__init__(fault=refuse)


async def test_a_model_of_a_provider_without_credentials_ends_its_requests() -> None:
    """Each model has its batches, at its provider; a batch has no fallbacks."""
    it = BatchWorld()
    here, there = await it.take_in(1), await it.take_in(2, provider="azure-eu")
    await it.until_over()
    assert it.codes() == {here: "ok", there: "provider_unauthorised"}
    models = {event["model"] for event in it.published(Topic.AUDIT_EVENTS) if event["request_id"] == there}
    assert models == {"azure-eu/gpt-test"}


async def test_a_full_queue_of_the_provider_puts_requests_back() -> None:
    """Nothing was run: they wait again and are answered by a later batch, and nothing counts as called twice."""
    endings = [BatchStatus.BUSY, BatchStatus.BUSY]
    it = BatchWorld(FakeBatchModel(ending=lambda: endings.pop() if endings else BatchStatus.COMPLETED))
    request_id = await it.take_in(1)
    await it.until_over()
    assert it.codes() == {request_id: "ok"}
    assert len(it.model.batches) == 3
    assert it.published(Topic.COMPLETIONS)[0]["calls"] == 1


async def test_lines_that_are_wrong_are_dropped_and_counted() -> None:
    """A second line of one request, one of nobody, one that cannot be read; who has no line ends with a code."""
    it = BatchWorld()
    ids = [await it.take_in(number) for number in range(3)]
    it.model.written = lambda lines: [None, lines[1], BatchLine(b"z" * 16, Reason.SERVER_ERROR), lines[1], lines[0]]
    await it.until_over()
    assert it.codes() == {ids[0]: "ok", ids[1]: "ok", ids[2]: "provider_invalid_reply"}
    assert len(it.telemetry.of(BatchLineDropped)) == 3


async def test_a_reading_that_breaks_off_goes_on_later() -> None:
    """What was published stays, and is neither published again nor counted as wrong."""
    it = BatchWorld(FakeBatchModel())
    ids = [await it.take_in(number) for number in range(4)]
    broken = iter([Fault.NONE, Fault.LOST_BEFORE])
    it.model.fault = lambda what: next(broken, Fault.NONE) if what == "results" else Fault.NONE
    it.passes(60)
    await it.round()
    assert len(it.completions()) == 2
    await it.until_over()
    assert it.completions() == Counter(ids)
    assert not it.telemetry.of(BatchLineDropped)


async def test_a_batch_for_which_nobody_waits_any_more_is_cancelled() -> None:
    """When the last deadline has passed."""
    it = BatchWorld(FakeBatchModel(looks=10_000))
    await it.take_in(1, deadline_at=it.clock.now_ms() + 300_000)
    it.passes(60)
    await it.round()
    assert "cancel" not in it.model.asked
    await it.until_over()
    assert "cancel" in it.model.asked
    assert it.model.held == ()


async def test_a_batch_that_the_provider_does_not_know_any_more_ends() -> None:
    """Its requests fail, and its file is deleted."""
    it = BatchWorld(FakeBatchModel(looks=10_000))
    request_id = await it.take_in(1)
    it.passes(60)
    await it.round()
    it.model.batches.clear()
    await it.until_over()
    assert it.codes() == {request_id: "provider_failed"}
    assert it.model.held == ()


async def test_a_file_that_is_not_deleted_keeps_its_batch() -> None:
    """It is tried again until the provider says so."""
    it = BatchWorld(FakeBatchModel())
    it.model.fault = lambda what: Fault.LOST_BEFORE if what == "delete" else Fault.NONE
    await it.take_in(1)
    for _ in range(5):
        it.passes(60)
        await it.round()
    assert [batch.phase for batch in it.all()] == [Phase.DELETING]
    assert it.batches.held([0]).files == 2
    it.model.fault = lambda _: Fault.NONE
    await it.until_over()
    held = it.batches.held([0])
    assert (it.model.held, held.files, held.requests, set(held.states.values())) == ((), 0, 0, {0})


async def test_a_request_that_retention_has_removed_is_given_up() -> None:
    """Its prompt ends at its deadline; the others are answered."""
    it = BatchWorld()
    await it.take_in(1)
    fine = await it.take_in(2)
    del it.archive.records[Topic.REQUESTS_BATCH, 0, 0]
    await it.until_over()
    assert it.codes() == {fine: "ok"}


async def test_a_worker_that_was_overtaken_does_nothing_more() -> None:
    """It learns it from the row, before anything goes out; one that has lost the partition, from the trail."""
    it = BatchWorld()
    await it.take_in(1)
    it.passes(60)
    await it.batches.form(0)
    (batch,) = it.all()
    it.state.rows[b"B" + batch.own_id] = replace(batch, uploads=1).to_bytes()
    with pytest.raises(Moved):
        Step(batch, replace(batch, phase=Phase.DELETING)).decide(0, it.state)
    it.trail.down = True
    with pytest.raises(Unavailable):
        await it.batches.go_on(0, batch.own_id)
    assert not [what for what in it.model.asked if what in {"upload", "create"}]


async def test_an_answered_request_is_remembered_a_day_beyond_its_deadline() -> None:
    """Longer than a copy of it can come."""
    it = BatchWorld()
    deadline_ms = it.clock.now_ms() + 90_000_000
    await it.take_in(1, deadline_at=deadline_ms)
    await it.until_over()
    it.clock.advance((deadline_ms - it.clock.now_ms() + RECORD_KEPT_MS) / 1000 - 1)
    assert it.egress.swept() == 0
    it.clock.advance(1)
    assert it.egress.swept() == 2
    assert {key[:1] for key in it.state.rows} == {b"S"}  # what was spent that day


async def test_a_failed_step_says_nothing_of_the_texts() -> None:
    """Whatever is raised holds codes only."""
    it = BatchWorld(once(Fault.LOST_BEFORE))
    await it.take_in(1, content="hello [PERSON_k7q2fa3c]")
    it.passes(60)
    await it.batches.form(0)
    with pytest.raises(CallFailed) as caught:
        await it.batches.go_on(0, it.all()[0].own_id)
    assert "hello" not in str(caught.value)

"""The sweep: what is overdue ends, is published again, is forgotten, or is removed."""

from __future__ import annotations

import pytest

from streamgate.pipeline._desk import RECHECK_MS
from streamgate.pipeline._outcome import Phase
from streamgate.pipeline.sweep import BATCH, BEAT_EVERY_MS, VaultSweep
from tests.fakes.pipeline import Vault, facts, on

RECHECK = RECHECK_MS / 1000
DAY = 86_400


async def test_nothing_is_due_before_its_time() -> None:
    """An open prompt waits for its completion until its deadline."""
    it = Vault()
    await it.accepted()
    it.clock.advance(119.999)
    assert it.swept() == []


async def test_an_idle_partition_is_written_to_now_and_then() -> None:
    """Nothing changes by it; but Kafka compacts what was destroyed only when something comes after it."""
    it = Vault()
    sweep = VaultSweep(it.desk)
    assert sweep.due(0, it.state) == ()
    it.clock.advance(BEAT_EVERY_MS / 1000)
    (beat,) = sweep.due(0, it.state)
    assert [(row.key, row.value) for row in beat.decide(0, it.state).rows] == [(b"\x00", None)]
    assert sweep.due(0, it.state) == ()


async def test_an_open_prompt_ends_at_its_deadline() -> None:
    """Also when egress is down: one response, one audit event."""
    it = Vault()
    await it.accepted()
    it.clock.advance(120)
    (effects,) = it.swept()
    assert [(r["status"], r["code"]) for r in on(effects, "responses")] == [("failed", "deadline_exceeded")]
    assert facts(effects) == ["prompt_failed"]
    outcome = it.outcome()
    assert outcome is not None
    assert outcome.phase is Phase.SETTLED
    assert it.swept() == []


async def test_a_response_that_was_never_published_is_published_again() -> None:
    """The worker died between the outcome's row and its response; the bytes are the same."""
    it = Vault(atomic=False)
    await it.accepted()
    it.clock.advance(120)
    (case,) = VaultSweep(it.desk).due(0, it.state)
    lost = case.decide(0, it.state)
    it.state.apply(lost.rows)
    it.clock.advance(RECHECK)
    (effects,) = it.swept()
    assert [output.value for output in effects.outputs] == [lost.outputs[0].value]
    outcome = it.outcome()
    assert outcome is not None
    assert outcome.phase is Phase.SETTLED


async def test_a_response_that_its_own_record_will_bring_is_not_published() -> None:
    """A completion whose offset did not move comes again by itself, with the text that only it holds."""
    it = Vault(atomic=False)
    effects = await it.decide(it.restore, it.completion(await it.accepted()))
    it.state.apply(effects.rows)
    it.clock.advance(RECHECK)
    (swept,) = it.swept()
    assert swept.outputs == ()
    outcome = it.outcome()
    assert outcome is not None
    assert outcome.phase is Phase.DECIDED
    it.clock.advance(RECHECK)
    assert len(it.swept()) == 1


async def test_an_ended_prompt_goes_after_its_retention() -> None:
    """With its timers: state does not grow for ever."""
    it = Vault()
    await it.handle(it.restore, it.completion(await it.accepted()))
    it.clock.advance(121)
    it.swept()
    assert it.outcome() is not None
    it.clock.advance(DAY)
    it.swept()
    assert it.outcome() is None
    assert not [*it.state.scan(b"T"), *it.state.scan(b"X")]


@pytest.mark.parametrize("atomic", [True, False])
async def test_a_prompt_that_an_erasure_ended_forgets_whose_it_was(atomic: bool) -> None:  # noqa: FBT001
    """At once; without transactions once its response was published, since the event id is needed until then."""
    it = Vault(atomic=atomic)
    await it.accepted()
    await it.handle(it.requests, it.request("erase"))
    before = it.outcome()
    assert before is not None
    assert before.forgotten is atomic
    it.clock.advance(RECHECK)
    it.swept()
    after = it.outcome()
    assert after is not None
    assert after.forgotten


async def test_an_ended_prompt_leaves_no_timer_but_the_one_that_forgets_it() -> None:
    """Its deadline is over, and in one transaction nothing can have been cut off."""
    it = Vault()
    request = await it.accepted()
    assert len(list(it.state.scan(b"T"))) == 1
    await it.handle(it.restore, it.completion(request))
    assert (len(list(it.state.scan(b"T"))), len(list(it.state.scan(b"X")))) == (0, 1)


async def test_an_event_id_that_was_used_again_is_kept_as_long_as_its_later_end() -> None:
    """After an erasure the same event id is a new prompt."""
    it = Vault()
    await it.handle(it.restore, it.completion(await it.accepted()))
    await it.handle(it.requests, it.request("erase"))
    it.clock.advance(DAY / 2)
    await it.handle(it.restore, it.completion(await it.accepted()))
    it.clock.advance(DAY / 2)
    it.swept()
    assert it.outcome() is not None
    it.clock.advance(DAY / 2)
    it.swept()
    assert it.outcome() is None
    assert not list(it.state.scan(b"X"))


async def test_a_prompt_of_an_earlier_incarnation_is_forgotten_too() -> None:
    """Its subject came back meanwhile, under another reference."""
    it = Vault()
    await it.accepted()
    await it.handle(it.requests, it.request("erase"))
    await it.accepted(it.prompt(event_id="event-2"))
    it.clock.advance(RECHECK)
    it.swept()
    first, second = it.outcome(), it.outcome("event-2")
    assert first is not None
    assert second is not None
    assert (first.forgotten, second.forgotten) == (True, False)


async def test_a_timer_without_its_outcome_is_removed() -> None:
    """Nothing else happens."""
    it = Vault()
    await it.accepted()
    it.state.rows = {key: value for key, value in it.state.rows.items() if key[:1] != b"O"}
    it.clock.advance(120)
    (effects,) = it.swept()
    assert (effects.outputs, effects.facts) == ((), ())
    assert not list(it.state.scan(b"T"))


async def test_a_timer_that_another_decision_stopped_decides_nothing() -> None:
    """The state is looked at again when it is decided."""
    it = Vault()
    await it.accepted()
    it.clock.advance(120)
    (case,) = VaultSweep(it.desk).due(0, it.state)
    it.swept()
    effects = case.decide(0, it.state)
    assert (effects.rows, effects.outputs) == ((), ())


async def test_a_sweep_takes_no_more_than_a_batch() -> None:
    """The rest comes a moment later."""
    it = Vault()
    for number in range(BATCH + 1):
        it.state.rows[b"T" + bytes(8) + b"O%d" % number] = b"\x01"
    assert len(it.swept()) == BATCH
    assert len(it.swept()) == 1

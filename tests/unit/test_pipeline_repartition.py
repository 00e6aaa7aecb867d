"""After a move to another partition: copies find their response, consents and fences hold, and rows of before are seen to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgate.errors import Code, OperationRefused, StreamgateError
from streamgate.pipeline._home import home_and_rest
from streamgate.pipeline.ports.stage import Output
from streamgate.pipeline.repartition import Repartition
from streamgate.types import Inbound, Topic
from tests.fakes.pipeline import Vault, on

ELSEWHERE = 3


def moved(it: Vault, read: dict[str, int] | None = None) -> None:
    """What a move from partition 3 of many to partition 0 of one does, responses included: they stay where they were published."""
    for (topic, _, offset), record in list(it.archive.records.items()):
        it.archive.records[topic, ELSEWHERE, offset] = record
    it.archive.records = {place: record for place, record in it.archive.records.items() if place[1] == ELSEWHERE}
    (move,) = Repartition(it.desk.sealer, 1, {0: read or {}}).moves(ELSEWHERE, it.state.rows)
    assert (move.to, sorted(move.gone)) == (0, sorted(it.state.rows))
    it.state.rows = dict(move.rows)


def without_homes(it: Vault) -> None:
    """Rows as an earlier version wrote them."""
    for key in [key for key in it.state.rows if key[:1] in {b"S", b"C"}]:
        value = home_and_rest(it.desk.sealer.open_row(key, it.state.rows[key]))[1]
        it.state.rows[key] = it.desk.sealer.seal_row(key, value)


def homeless(it: Vault) -> int:
    keys = [key for key in it.state.rows if key[:1] in {b"S", b"C"}]
    return sum(home_and_rest(it.desk.sealer.open_row(key, it.state.rows[key]))[0] is None for key in keys)


async def answered(it: Vault, **fields: str) -> tuple[Inbound, list[Output]]:
    record = it.prompt(**fields)
    effects = await it.handle(it.restore, it.completion(await it.accepted(record)))
    return record, [replace(output, settle=None) for output in effects.outputs if output.topic == "responses"]


async def test_a_copy_gets_the_same_bytes_from_where_they_stand() -> None:
    """Also where it has by chance the offset that the prompt had on its old partition."""
    it = Vault()
    record, first = await answered(it)
    moved(it)
    for offset in (record.offset, 40):
        effects = await it.handle(it.redact, replace(record, offset=offset))
        assert [replace(output, settle=None) for output in effects.outputs if output.topic == "responses"] == first
        assert not on(effects, Topic.REQUESTS)


async def test_a_withdrawal_after_the_move_outranks_every_approval() -> None:
    """Offsets of the old partition were higher than the new one's: egress must not believe that they are later."""
    it = Vault()
    for _ in range(30):
        it.inbound(Topic.CONSENTS, None, None)
    await it.handle(it.consents, it.consent("marketing", "grant"))
    await it.accepted(it.prompt(purpose="marketing"))
    moved(it)
    it._offsets.clear()
    request = await it.accepted(it.prompt(purpose="marketing", event_id="event-2"))
    it.clock.advance(1)
    effects = await it.handle(it.consents, it.consent("marketing", "withdraw"))
    (standing,) = on(effects, Topic.STANDING)
    assert standing["consents_offset"] > request["approved_consents_offset"]


async def test_an_erasure_holds_and_a_new_prompt_enrols_anew() -> None:
    """What was read on the new partition before is refused, whatever its fence was; what comes after it begins a new incarnation."""
    it = Vault()
    record, _ = await answered(it)
    it.freshness.ends = {"prompts": 500}
    await it.handle(it.requests, it.request("erase"))
    moved(it, {"prompts": 20})
    effects = await it.handle(it.redact, replace(it.prompt(event_id="old"), offset=19))
    assert [response["code"] for response in on(effects, "responses")] == ["subject_erased"]
    effects = await it.handle(it.redact, replace(record, offset=20))
    assert len(on(effects, Topic.REQUESTS)) == 1
    enrolment = it.vault.enrolment(it.digest)
    assert enrolment is not None
    assert enrolment.incarnation == 2


async def test_an_open_prompt_ends_by_its_deadline() -> None:
    """One that was let through while the command looked, by a worker that should have been stopped."""
    it = Vault()
    await it.accepted()
    assert Repartition(it.desk.sealer, 1).survey(ELSEWHERE, it.state.rows).open_prompts == 1
    moved(it)
    it.clock.advance(1_000)
    (ended,) = it.swept()
    assert [response["code"] for response in on(ended, "responses")] == ["deadline_exceeded"]


async def test_rows_of_before_are_placed_by_an_outcome() -> None:
    """As long as one names their subject."""
    it = Vault()
    await answered(it)
    without_homes(it)
    assert Repartition(it.desk.sealer, 1).survey(ELSEWHERE, it.state.rows).unplaced == 0
    moved(it)
    assert homeless(it) == 1


@pytest.mark.parametrize("seen", ["prompt", "export"])
async def test_rows_of_before_that_nobody_can_place_hold_it_up_until_their_subject_is_seen(seen: str) -> None:
    """A prompt or an export of the subject has them say where they belong."""
    it = Vault()
    await it.handle(it.consents, it.consent("marketing", "grant"))
    await answered(it)
    without_homes(it)
    it.state.rows = {key: value for key, value in it.state.rows.items() if key[:1] not in {b"O", b"X"}}
    repartition = Repartition(it.desk.sealer, 1)
    assert repartition.survey(ELSEWHERE, it.state.rows).unplaced == 1
    with pytest.raises(OperationRefused) as refused:
        list(repartition.moves(ELSEWHERE, it.state.rows))
    assert refused.value.code is Code.SUBJECT_NOT_PLACED
    assert homeless(it) == 2
    await (it.handle(it.redact, it.prompt()) if seen == "prompt" else it.handle(it.requests, it.request("export")))
    assert homeless(it) == 0
    moved(it)


async def test_erased_subjects_of_before_stay_where_they_are() -> None:
    """Nobody can place them, and nothing of them is needed elsewhere."""
    it = Vault()
    await answered(it)
    await it.handle(it.requests, it.request("erase"))
    without_homes(it)
    repartition = Repartition(it.desk.sealer, 1)
    assert repartition.survey(ELSEWHERE, it.state.rows).unplaced == 0
    assert list(repartition.moves(ELSEWHERE, it.state.rows)) == []


async def test_a_kind_of_row_that_is_not_known_is_not_moved() -> None:
    """A later version may have written it; who knows what it refers to."""
    it = Vault()
    with pytest.raises(StreamgateError, match="kind of row"):
        Repartition(it.desk.sealer, 1).survey(0, {b"?": b""})


async def test_a_letter_that_was_replayed_is_remembered_where_it_stands() -> None:
    """It is no subject's, and asked for by its place."""
    it = Vault()
    letter = b"L" + bytes(16)
    rows = {letter: b"sealed", b"X" + bytes(8) + letter: b"\x01"}
    repartition = Repartition(it.desk.sealer, 1)
    assert repartition.survey(ELSEWHERE, rows).subjects == 0
    assert list(repartition.moves(ELSEWHERE, rows)) == []


async def test_a_timer_without_its_outcome_is_left() -> None:
    """It finds nothing wherever it stands."""
    it = Vault()
    await answered(it)
    left = {key: value for key, value in it.state.rows.items() if key[:1] == b"X"}
    assert left
    assert list(Repartition(it.desk.sealer, 1).moves(ELSEWHERE, left)) == []

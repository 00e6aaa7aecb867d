"""What batches cost, and the rows that hold them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from streamgate.pipeline._batch_decide import Step
from streamgate.pipeline._batch_form import BatchLimits, full_or_due
from streamgate.pipeline._batch_state import MOVES, Batch, Phase, Place, batch_key, member_key, waiting_key
from streamgate.pipeline._egress_state import EgressState
from streamgate.pipeline._masked_request import chat_call
from streamgate.provider import (
    BatchStatus,
    MoneyLimit,
    Purse,
    Scope,
    SpendAccount,
    Whose,
    amount_of,
)
from streamgate.types import Topic, Usage
from tests.fakes.batches import BatchWorld
from tests.fakes.egress import PRICES


async def test_a_batch_costs_half() -> None:
    """Of what its answer used."""
    it = BatchWorld()
    await it.take_in(1)
    await it.until_over()
    (spent,) = it.published(Topic.SPEND)
    usage = it.published(Topic.COMPLETIONS)[0]["usage"]
    whole = PRICES.price("gpt-test", Usage(usage["prompt_tokens"], usage["completion_tokens"]))
    assert whole
    assert amount_of(spent["amount"]) * 2 == whole


async def test_every_answer_of_a_batch_is_counted() -> None:
    """They are decided together, and each counts what those before it have counted."""
    it = BatchWorld()
    for number in range(7):
        await it.take_in(number)
    await it.until_over()
    last, completions = it.published(Topic.SPEND)[-1], it.published(Topic.COMPLETIONS)
    assert (last["requests"], len(completions)) == (7, 7)
    assert last["prompt_tokens"] == sum(each["usage"]["prompt_tokens"] for each in completions)


async def test_what_cannot_be_paid_does_not_go_out_in_a_batch() -> None:
    """The budget has room for one of three; the others end at once."""
    estimate = BatchWorld().egress.stage.caller.estimate(chat_call(BatchWorld().egress.request()))
    one = PRICES.price("gpt-test", estimate, batch=True)
    assert one
    it = BatchWorld(purse=Purse({Whose(Scope.TENANT, "acme"): MoneyLimit(per_day=one + one // 2)}))
    for number in range(3):
        await it.take_in(number)
    await it.until_over()
    assert Counter(it.codes().values()) == {"ok": 1, "money_spent": 2}
    assert it.published(Topic.SPEND)[-1]["requests"] == 1


def test_rows_of_one_kind_are_no_rows_of_another() -> None:
    """What looks for one kind goes by the first byte."""
    account = SpendAccount("acme", "support", "USD", 20_000)
    keys = [EgressState.answered(b""), EgressState.intended(b""), EgressState.forget_at(0, b""), EgressState.spent(account)]
    keys += [waiting_key(place(0)), member_key(b"", b""), batch_key(b"")]
    assert len({key[:1] for key in keys}) == len(keys)


def test_a_batch_goes_only_where_it_may() -> None:
    """Every move that the table lacks is refused, and a row goes only when its files are gone."""
    it = BatchWorld()
    for before in Phase:
        batch = Batch(b"i" * 16, before, "gpt-test", 0)
        it.state.rows[b"B" + batch.own_id] = batch.to_bytes()
        for after in set(Phase) - MOVES[before]:
            with pytest.raises(ValueError, match="no such move"):
                Step(batch, replace(batch, phase=after)).decide(0, it.state)
        if before not in {Phase.DELETING, Phase.WATCHED}:
            with pytest.raises(ValueError, match="files"):
                Step(batch, None).decide(0, it.state)


def place(number: int, model: str = "a", size: int = 10, since_ms: int = 0) -> Place:
    return Place(number.to_bytes(16, "big"), number, 0, since_ms, size, model)


def test_a_batch_is_made_when_it_is_full_or_has_waited() -> None:
    """Of one model each; what does not fit waits on, as long as it may."""
    limits = BatchLimits(most_requests=3, most_bytes=50, longest_wait_ms=100)
    waiting = [place(1), place(2, "b"), place(3), place(4), place(5)]
    assert [[each.offset for each in group] for group in full_or_due(waiting, 99, limits)] == [[1, 3, 4]]
    assert [[each.offset for each in group] for group in full_or_due(waiting, 100, limits)] == [[1, 3, 4], [5], [2]]
    large = [place(1, size=40), place(2, size=20), place(3, size=90)]
    assert [[each.offset for each in group] for group in full_or_due(large, 0, limits)] == [[1], [2]]


def test_persisted_forms_keep_their_bytes() -> None:
    """Rows of an older version must be read; an unknown version is not guessed at."""
    row = Place(bytes(range(16)), 7, 1_700_000_090_000, 1_700_000_000_000, 513, "gpt-4o-mini")
    written = bytes.fromhex("01000102030405060708090a0b0c0d0e0f00000000000000070000018bcfe6c7900000018bcfe5680000000201") + b"gpt-4o-mini"
    assert (row.to_bytes(), Place.from_bytes(written)) == (written, row)
    batch = Batch(b"i" * 16, Phase.ENDED, "m", 5, 1, 1, True, "file-1", "batch_1", BatchStatus.EXPIRED, "file-2", None, 0)
    data = (
        b'\x01{"batch_id":"batch_1","creates":1,"doubtful":true,"error_file":null,"formed_ms":5,"input_file":"file-1","model":"m",'
        b'"output_file":"file-2","phase":"ended","status":"expired","uploads":1,"watch_until_ms":0}'
    )
    assert (batch.to_bytes(), Batch.from_bytes(b"i" * 16, data)) == (data, batch)
    assert batch.name == "streamgate-" + "69" * 16
    for read in (Place.from_bytes, lambda it: Batch.from_bytes(b"i" * 16, it)):
        with pytest.raises(ValueError, match="version"):
            read(b"\x02{}")

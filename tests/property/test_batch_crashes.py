"""Whatever crashes and however the provider answers: every request of a batch ends once, none is run twice, and every file goes."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.provider import BatchLine, BatchStatus, Reason
from streamgate.types import Topic
from tests.fakes.batch_model import FakeBatchModel, Fault
from tests.fakes.batches import BatchWorld

FAULTS = st.lists(st.sampled_from(list(Fault)), max_size=12)
COMMITS = st.lists(st.sampled_from(["", "", "before", "after"]), max_size=12)
ENDINGS = st.lists(st.sampled_from([status for status in BatchStatus if status is not BatchStatus.RUNNING]), max_size=3)
LINES = st.permutations(range(4)).flatmap(
    lambda order: st.tuples(st.just(order), st.lists(st.sampled_from(["twice", "not", "bad", "unknown"])))
)


def world(
    faults: list[Fault],
    commits: list[str],
    endings: list[BatchStatus],
    lines: tuple[list[int], list[str]],
    delays: list[int],
    looks: int = 0,
) -> BatchWorld:
    """A world that takes its misfortunes from lists, and then has none any more."""
    order, oddities = lines

    def written(said: list[BatchLine | None]) -> list[BatchLine | None]:
        said = [said[at] for at in order if at < len(said)]
        for odd in oddities:
            if odd == "twice" and said:
                said.append(said[0])
            elif odd == "not" and said:
                said.pop()
            elif odd == "bad":
                said.insert(0, None)
            elif odd == "unknown":
                said.append(BatchLine(b"\xff" * 16, Reason.SERVER_ERROR))
        return said

    model = FakeBatchModel(
        fault=lambda _: faults.pop(0) if faults else Fault.NONE,
        ending=lambda: endings.pop(0) if endings else BatchStatus.COMPLETED,
        written=written,
        looks=looks,
        delay=lambda: delays.pop(0) if delays else 1,
    )
    it = BatchWorld(model)
    it.trail.crash = lambda: commits.pop(0) if commits else ""
    return it


@given(FAULTS, COMMITS, ENDINGS, LINES, st.lists(st.integers(0, 6), max_size=4), st.integers(0, 2), st.integers(0, 12))
@settings(max_examples=400, deadline=None)
def test_every_request_ends_once_is_run_once_and_leaves_no_file(
    faults: list[Fault],
    commits: list[str],
    endings: list[BatchStatus],
    lines: tuple[list[int], list[str]],
    delays: list[int],
    looks: int,
    rounds: int,
) -> None:
    """Over any crash point, lost, refused and late operation, ending, order, lack and doubling of lines."""

    async def run() -> None:
        it = world(list(faults), list(commits), list(endings), lines, list(delays), looks)
        ids = [await it.take_in(number) for number in range(4)]
        for _ in range(rounds):
            it.passes(61)
            await it.round()
        it.model.settle()
        await it.until_over()
        assert it.completions() == Counter(ids)
        assert it.model.held == ()
        assert {key[:1] for key in it.state.rows} <= {b"D", b"S", b"X"}
        intended = {event["request_id"] for event in it.published(Topic.AUDIT_EVENTS) if event["fact"] == "call_intended"}
        assert set(it.model.runs) <= intended
        assert max(Counter(it.model.runs).values(), default=0) <= 1

    asyncio.run(run())


@given(st.lists(st.sampled_from(list(BatchStatus)[1:]), min_size=1, max_size=3))
@settings(max_examples=30, deadline=None)
def test_a_request_is_answered_when_its_batch_completes(endings: list[BatchStatus]) -> None:
    """Without misfortune what was run is answered with what was said, and nothing is run twice."""

    async def run() -> None:
        it = world([], [], list(endings), ([0, 1, 2, 3], []), [])
        ids = [await it.take_in(number) for number in range(4)]
        await it.until_over()
        assert it.completions() == Counter(ids)
        first = next((status for status in endings if status is not BatchStatus.BUSY), BatchStatus.COMPLETED)
        answered = first is BatchStatus.COMPLETED
        assert set(it.codes().values()) == {"ok" if answered else "provider_failed"}
        assert Counter(it.model.runs) == (Counter(ids) if answered else Counter())

    asyncio.run(run())

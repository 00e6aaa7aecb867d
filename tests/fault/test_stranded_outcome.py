"""On the embedded broker, a crash between a completion's decision and its response, and an erasure that is decided before the completion comes again."""

from __future__ import annotations

import pytest

from streamgate.pipeline._desk import RECHECK_MS
from streamgate.pipeline._outcome import Phase
from streamgate.pipeline.ports.stage import Effects
from streamgate.types import Inbound, Topic
from tests.fakes.pipeline import Vault, facts, on

STRANDED = [("ok", ("refused", "subject_erased")), ("provider_failed", ("failed", "provider_failed"))]


async def crashed(code: str) -> tuple[Vault, Inbound, Effects]:
    """A vault that wrote the outcome of a completion and died before it published the response."""
    it = Vault(atomic=False)
    record = it.completion(await it.accepted(), code=code)
    effects = await it.decide(it.restore, record)
    it.state.apply(effects.rows)
    return it, record, effects


def endings(effects: Effects) -> list[tuple[str, str]]:
    return [(response["status"], response["code"]) for response in on(effects, Topic.RESPONSES)]


@pytest.mark.parametrize(("code", "ending"), STRANDED)
async def test_an_erasure_ends_a_prompt_whose_response_was_cut_off(code: str, ending: tuple[str, str]) -> None:
    """The answer cannot be opened any more, so the prompt ends as subject_erased; what needs no key ends as it was decided."""
    it, record, _ = await crashed(code)
    assert endings(await it.handle(it.requests, it.request("erase"))) == [ending]
    assert facts(await it.handle(it.restore, record)) == ["late_completion"]
    it.clock.advance(RECHECK_MS / 1000 + 1)
    assert not [response for effects in it.swept() for response in endings(effects)]
    outcome = it.outcome()
    assert outcome is not None
    assert outcome.forgotten


async def test_a_decision_that_needs_no_key_is_published_in_the_same_bytes() -> None:
    """If the crash came after the first copy, the second is no other response."""
    it, _, first = await crashed("provider_failed")
    effects = await it.handle(it.requests, it.request("erase"))
    published = [[output.value for output in each.outputs if output.topic == Topic.RESPONSES] for each in (first, effects)]
    assert published[0] == published[1]


@pytest.mark.parametrize(("code", "ending"), STRANDED)
async def test_an_erasure_that_is_cut_off_as_well_is_made_good_by_the_sweep(code: str, ending: tuple[str, str]) -> None:
    """Two crashes in a row: the rows of both got through, no response did. Still each prompt gets one."""
    it, _, _ = await crashed(code)
    it.state.apply((await it.decide(it.requests, it.request("erase"))).rows)
    it.clock.advance(RECHECK_MS / 1000 + 1)
    assert [found for effects in it.swept() for found in endings(effects)] == [ending]
    outcome = it.outcome()
    assert outcome is not None
    assert outcome.phase is Phase.SETTLED

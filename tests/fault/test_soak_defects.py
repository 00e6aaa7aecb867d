"""A bug is planted in the workers: the soak must see it, under the name of the promise that it breaks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from streamgate.demo.soak import Outcome, SoakOptions, soak
from streamgate.demo.soak._fault import Fault, Kind
from streamgate.types import Role
from tests.fixtures_kafka import _jars, _java

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]


async def run(folder: Path, defect: str, prompts: int, per_second: float, *faults: Fault) -> Outcome:
    _java()
    command = (sys.executable, "-m", "tests.fault.defective_worker", defect, "worker", "--role")
    options = SoakOptions(
        seed=1,
        prompts=prompts,
        faults=len(faults),
        per_second=per_second,
        workers=1,
        kafka_libs=_jars(),
        deadline_seconds=20.0,
        worker=command,
        environment={"PYTHONPATH": str(ROOT)},
        given=faults,
        keep=folder,
    )
    return await soak(options, lambda _: None)


async def test_a_worker_that_acknowledges_early_is_seen(tmp_path: Path) -> None:
    """Records that were committed before their work was done are lost with the worker that held them: prompts without an outcome."""
    kills = [Fault(number, 100 + 150 * number, Kind.KILL, Role.VAULT) for number in range(3)]
    outcome = await run(tmp_path, "acknowledges-early", 600, 40.0, *kills)
    assert outcome.faults == len(kills)
    assert not outcome.verdict.passed
    assert outcome.verdict.count("prompts without an outcome") > 0


async def test_a_worker_that_forgets_outcomes_is_seen(tmp_path: Path) -> None:
    """A copy is answered anew and a contradiction is not noticed: two different responses, and a dead letter that is not there."""
    faults = (Fault(0, 20, Kind.COPY, count=5), Fault(1, 30, Kind.CONFLICT, count=3))
    outcome = await run(tmp_path, "forgets-outcomes", 40, 8.0, *faults)
    assert not outcome.verdict.passed
    assert outcome.verdict.count("event ids with two different responses") > 0
    assert outcome.verdict.count("bad records not dead-lettered") == 3

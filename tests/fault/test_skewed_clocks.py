"""Workers whose clocks do not agree."""

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


async def run(folder: Path, ahead_ms: int, prompts: int, *faults: Fault) -> Outcome:
    _java()
    options = SoakOptions(
        seed=1,
        prompts=prompts,
        faults=len(faults),
        per_second=10.0,
        workers=1,
        kafka_libs=_jars(),
        deadline_seconds=25.0,
        worker=(sys.executable, "-m", "tests.fault.skewed_worker", str(ahead_ms), "worker", "--role"),
        environment={"PYTHONPATH": str(ROOT)},
        given=faults,
        keep=folder,
    )
    return await soak(options, lambda _: None)


@pytest.mark.parametrize("ahead_ms", [1_200, -1_200])
async def test_clocks_that_differ_by_a_second_break_nothing(tmp_path: Path, ahead_ms: int) -> None:
    """Withdrawals and erasures hold, every prompt has its outcome, and most are answered."""
    faults = (Fault(0, 40, Kind.WITHDRAW, count=4), Fault(1, 60, Kind.KILL, Role.EGRESS), Fault(2, 100, Kind.ERASE, count=3))
    outcome = await run(tmp_path, ahead_ms, 150, *faults)
    assert [finding for finding in outcome.verdict.findings if not finding.passed] == []
    assert sum(count for how, count in outcome.verdict.outcomes if how.endswith("ok")) > 100


async def test_where_clocks_differ_by_more_nobody_is_called(tmp_path: Path) -> None:
    """Whether consent still holds cannot be told: every prompt ends at its deadline, and egress says that it is not ready, and why."""
    outcome = await run(tmp_path, -10_000, 20)
    assert [finding for finding in outcome.verdict.findings if not finding.passed] == []
    assert [how.split()[-1] for how, _ in outcome.verdict.outcomes] == ["deadline_exceeded"]

"""The fault suite in its short form: 2,000 prompts, several workers of each role, a broker and a network that are broken again and again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rich.console import Console

from streamgate.demo.soak import SoakOptions, planned, show_outcome, show_plan, soak
from streamgate.demo.soak._fault import NATURE
from tests.fixtures_kafka import _jars, _java

SEED = int(os.environ.get("STREAMGATE_SOAK_SEED", "4"))
PROMPTS, FAULTS = 2_000, 28
pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.mark.timeout(600)
async def test_every_promise_holds_under_faults(tmp_path: Path) -> None:
    """Each prompt has one outcome, each outcome its place in the audit log, and nothing else is broken, whatever is killed and cut."""
    _java()
    options = SoakOptions(seed=SEED, prompts=PROMPTS, faults=FAULTS, per_second=10.0, kafka_libs=_jars(), keep=tmp_path / "soak")
    console = Console(width=140, highlight=False)
    show_plan(console, options, planned(options))
    outcome = await soak(options, lambda _: None)
    show_outcome(console, outcome)
    assert outcome.faults == FAULTS
    assert sum(NATURE[fault.kind].disruptive for fault in planned(options)) >= 12
    assert outcome.prompts >= PROMPTS
    assert [finding for finding in outcome.verdict.findings if not finding.passed] == []

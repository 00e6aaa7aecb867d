"""What the soak tells a person and a program."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from streamgate.demo.soak import Outcome, SoakOptions, check, document, planned, show_outcome, show_plan
from streamgate.demo.soak._evidence import Evidence
from streamgate.demo.soak._kafka import LocalKafka
from streamgate.errors import ConfigError
from tests.fakes.soak_evidence import good_run


def outcome(evidence: Evidence) -> Outcome:
    return Outcome(SoakOptions(seed=5, prompts=8, faults=2), check(evidence), 12.0, len(evidence.sent), len(evidence.faults))


def shown(evidence: Evidence) -> str:
    console = Console(file=io.StringIO(), width=160)
    show_outcome(console, outcome(evidence))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_table_says_what_is_broken_and_where() -> None:
    """A run in which something is missing ends in its name, not in success."""
    good = good_run()
    assert "all holds" in shown(good)
    assert "BROKEN" not in shown(good)
    bad = shown(replace(good, responses=good.responses[1:]))
    assert "NOT all holds" in bad
    assert "BROKEN" in bad
    assert "e-0" in bad


def test_the_document_is_json_and_says_the_same() -> None:
    """Seed, schedule, every rule with its count, recovery by kind of fault."""
    made = outcome(replace(good_run(), leaks=("EMAIL in topic audit (text)",)))
    found = json.loads(json.dumps(document(made, planned(made.options))))
    assert (found["seed"], found["passed"], len(found["schedule"])) == (5, False, 2)
    assert found["findings"]["canaries in the clear"] == {"count": 1, "passed": False, "examples": ["EMAIL in topic audit (text)"]}
    assert found["recovery_seconds"]["worker-kill"]["faults"] == 1


def test_the_plan_says_what_is_left_out() -> None:
    """With a broker of somebody else's, no fault of the broker or its connections is planned, and that is said."""
    options = SoakOptions(seed=5, faults=60, bootstrap="kafka.example:9092")
    console = Console(file=io.StringIO(), width=200)
    show_plan(console, options, planned(options))
    assert isinstance(console.file, io.StringIO)
    plan, _, left_out = console.file.getvalue().partition("left out")
    for kind in ("broker-kill", "broker-restart", "disk-full", "network-cut", "network-delay"):
        assert kind not in plan
        assert kind in left_out
    assert "seed 5" in plan


def test_without_jars_it_says_what_to_do(tmp_path: Path) -> None:
    """It fetches nothing: where there is no Kafka to start, both ways out are named."""
    with pytest.raises(ConfigError, match=r"--bootstrap.*--kafka-libs"):
        LocalKafka(tmp_path, tmp_path)

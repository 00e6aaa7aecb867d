"""The demo's own search for leaks: it finds nothing when masking works, and finds it when masking is broken on purpose."""

from __future__ import annotations

import pytest

from streamgate.demo import DemoOptions, Report, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def _report(options: DemoOptions) -> Report:
    async with run(options, lambda _step: None) as (report, _metrics):
        return report


async def test_nothing_planted_stands_where_it_must_not_even_with_debug_logs() -> None:
    """With DEBUG logging on, no planted value is in the log, metrics, audit, standing, dead letters or state, and no marked one leaves."""
    report = await _report(DemoOptions(log_level="debug"))
    assert [(leak.kind, leak.place, leak.form) for leak in report.leaks] == []
    assert report.planted > 100
    assert all(size > 0 for size in report.searched.values())


async def test_every_sample_ends_as_it_should() -> None:
    """Each prompt of the sample has the outcome that was expected of it, and the malformed one is dead-lettered."""
    report = await _report(DemoOptions())
    ended = {status: report.ended(status) for status in ("answered", "refused", "failed", "dead-lettered")}
    assert ended == {"answered": 14, "refused": 2, "failed": 1, "dead-lettered": 1}


async def test_broken_masking_is_seen() -> None:
    """With a detector that finds nothing, what should have been masked is found in requests, and the final scan stops the worst."""
    report = await _report(DemoOptions(break_masking=True))
    places = {leak.place.partition(" ")[0] for leak in report.leaks}
    assert "request" in places
    assert "provider" in places
    assert report.ended("refused") > 2

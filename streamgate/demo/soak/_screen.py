"""What a person sees of a soak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamgate.demo.soak._check import Finding
from streamgate.demo.soak._fault import NATURE, Fault, Kind, Needs
from streamgate.demo.soak._options import SoakOptions
from streamgate.demo.soak._run import Outcome

SHOWN = 4
NOT_HERE = "not tried: a worker's clock, which its settings do not let anyone set"


def show_plan(console: Console, options: SoakOptions, faults: Sequence[Fault]) -> None:
    """The schedule, before anything is started."""
    console.print(
        f"seed {options.seed}: {options.prompts} prompts, {len(faults)} faults, {options.workers} workers of each role", style="bold"
    )
    for fault in faults:
        console.print(f"  {fault}")
    console.print(NOT_HERE)
    if options.bootstrap is not None:
        left_out = ", ".join(kind.value for kind in Kind if NATURE[kind].needs is not Needs.NOTHING)
        console.print(f"left out, since the broker at {options.bootstrap} is not ours to break: {left_out}")


def show_outcome(console: Console, outcome: Outcome) -> None:
    """The final tables."""
    verdict = outcome.verdict
    table = Table(
        title=f"soak, seed {outcome.options.seed}: {outcome.prompts} records sent, {outcome.faults} faults, {outcome.seconds:.0f} s"
    )
    for column in ("what must not be", "found", "", "the first of them"):
        table.add_column(column, justify="right" if column == "found" else "left")
    for finding in verdict.findings:
        table.add_row(finding.rule, str(finding.count), _mark(finding), Text("; ".join(finding.examples[:SHOWN])))
    console.print(table)
    console.print(_recovery(outcome))
    requests, tokens = verdict.worst_minute
    limit = outcome.options.limit
    console.print("outcomes: " + ", ".join(f"{count} {name}" for name, count in verdict.outcomes))
    console.print(f"worst minute: {requests} of {limit.requests} requests, {tokens} of {limit.tokens} tokens")
    if verdict.longest_silence is not None:
        silence = verdict.longest_silence
        console.print(f"longest silence of a partition with prompts waiting: {silence.seconds:.1f} s (partition {silence.partition})")
    console.print("all holds" if verdict.passed else "NOT all holds", style="bold green" if verdict.passed else "bold red")


def document(outcome: Outcome, faults: Sequence[Fault]) -> dict[str, Any]:
    """For programs."""
    options = outcome.options
    return {
        "seed": options.seed,
        "prompts": options.prompts,
        "records_sent": outcome.prompts,
        "workers_of_each_role": options.workers,
        "seconds": round(outcome.seconds, 1),
        "limit_per_minute": {"requests": options.limit.requests, "tokens": options.limit.tokens},
        "schedule": [str(fault).strip() for fault in faults],
        **outcome.verdict.document(),
    }


def _mark(finding: Finding) -> Text:
    if finding.counted_only:
        return Text("counted", "dim")
    return Text("holds", "green") if finding.passed else Text("BROKEN", "bold red")


def _recovery(outcome: Outcome) -> Table:
    table = Table(title="seconds from a fault to the next response of each partition; longest silence with prompts waiting")
    for column in ("fault", "times", "p50", "max", "silence"):
        table.add_column(column, justify="left" if column == "fault" else "right")
    for each in outcome.verdict.recoveries:
        seconds = (each.next_p50_seconds, each.next_max_seconds, each.longest_silence_seconds)
        table.add_row(each.kind.value, str(each.faults), *(f"{value:.1f}" for value in seconds))
    return table

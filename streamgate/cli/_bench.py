"""``streamgate bench``: what each prompt costs on this machine, beside what a user would build instead."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from streamgate.cli._loop import run
from streamgate.cli._report import screen
from streamgate.demo import BenchOptions, bench_delivery
from streamgate.demo import bench as run_bench
from streamgate.errors import ConfigError


def bench(
    prompts: Annotated[int, typer.Option(min=10, help="Prompts in each round.")] = 200,
    latency_ms: Annotated[float, typer.Option(min=0, help="What the simulated provider takes for an answer.")] = 50.0,
    bootstrap: Annotated[str | None, typer.Option(help="host:port of a Kafka to use instead of the embedded broker.")] = None,
    delivery: Annotated[int, typer.Option(min=0, help="Measure delivery alone, with so many records; needs --bootstrap.")] = 0,
) -> None:
    """Run prompts through the real pipeline and through a bare loop with Presidio, and print one JSON object.

    With --delivery: trivial records through the delivery path, through stock Faust and through a bare loop, by partitions and workers.
    """
    if delivery:
        if bootstrap is None:
            raise ConfigError(("--bootstrap: missing; the embedded broker has no transactions to measure",))
        with screen.status("starting") as status:
            print(json.dumps(run(bench_delivery(bootstrap, delivery, status.update)), indent=2))
        return
    options = BenchOptions(prompts=prompts, latency_seconds=latency_ms / 1000, bootstrap=bootstrap)
    with screen.status("starting") as status:
        result = run(run_bench(options, status.update))
    print(json.dumps(result, indent=2))

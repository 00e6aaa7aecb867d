"""The benchmark: the real pipeline, and beside it, in the same run, what a user would build instead."""

from __future__ import annotations

import asyncio
import io
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamgate.adapters.detector_pool import DetectorPool
from streamgate.adapters.kafka_head import read_all
from streamgate.bootstrap import Installation
from streamgate.client import Prompt, PromptProducer
from streamgate.demo._bench_measure import cpu_seconds, latencies, peak_mib, stages_microseconds
from streamgate.demo._broker import EmbeddedBroker
from streamgate.demo._provider import SimulatedProvider
from streamgate.demo._sample import SAMPLES, SampleKind
from streamgate.demo._workers import Running, installation, workers
from streamgate.errors import Status
from streamgate.types import Topic

PROMPT_CHARACTERS = 700
PACE = 0.5
"""Share of the measured throughput at which latency is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """One run of the benchmark."""

    prompts: int = 200
    latency_seconds: float = 0.05
    bootstrap: str | None = None


async def bench(options: BenchOptions, progress: Callable[[str], None]) -> dict[str, Any]:
    """Measure; the result is one JSON object. Figures of one machine, to be read as ratios."""
    from streamgate.demo._bench_baseline import baseline  # noqa: PLC0415  imports Presidio, which no other command needs here

    async with AsyncExitStack() as stack:
        pool = DetectorPool(workers=2)
        await pool.start()
        stack.push_async_callback(pool.stop)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="streamgate-bench-")))
        provider = await stack.enter_async_context(SimulatedProvider(options.latency_seconds))
        bootstrap = options.bootstrap or (await stack.enter_async_context(EmbeddedBroker())).bootstrap
        made = installation(
            folder,
            bootstrap=bootstrap,
            prefix=f"streamgate-bench-{secrets.token_hex(4)}.",
            embedded=options.bootstrap is None,
            replication=1,
            base_url=provider.base_url,
            api_key=None,
        )
        running = await stack.enter_async_context(workers(made, pool, pool, io.StringIO(), "info"))
        prompts = prompt_texts(options.prompts)
        progress("streamgate: burst, then at half its throughput")
        ours = await _ours(running, pool, prompts, options)
        progress("baseline: a bare loop with Presidio's default analyzer")
        theirs = await baseline(made, prompts, provider.base_url, options.latency_seconds)
        return {
            "prompts": len(prompts),
            "characters_per_prompt": round(sum(map(len, prompts)) / len(prompts)),
            "provider_latency_ms": options.latency_seconds * 1000,
            "broker": "kafka" if options.bootstrap else "embedded",
            "streamgate": ours,
            "baseline": theirs,
            "streamgate_to_baseline": _ratios(ours, theirs),
        }


def _ratios(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, float]:
    """What travels from one machine to another better than the figures themselves."""
    latency, cpu = "added_latency_ms_at_half_throughput", "cpu_ms_per_prompt"
    return {
        "prompts_per_second": round(ours["prompts_per_second"] / theirs["prompts_per_second"], 2),
        "added_latency_p50_each_at_half_its_throughput": round(ours[latency]["p50"] / max(0.1, theirs[latency]["p50"]), 2),
        "cpu_per_prompt": round(sum(ours[cpu].values()) / theirs[cpu], 2),
    }


def prompt_texts(count: int) -> list[str]:
    """The sample's texts, joined and cut to one length."""
    texts = [sample.text() for sample in SAMPLES if sample.kind is SampleKind.PROMPT]
    joined = "\n".join(texts)
    places = [(7919 * number) % max(1, len(joined) - PROMPT_CHARACTERS) for number in range(count)]
    return [joined[place : place + PROMPT_CHARACTERS] for place in places]


async def _ours(running: Running, pool: DetectorPool, texts: Sequence[str], options: BenchOptions) -> dict[str, Any]:
    made = running.installation
    connection = made.connection().client_options()
    bootstrap = connection.pop("bootstrap_servers")
    idempotent = not made.settings.kafka.embedded
    async with PromptProducer(bootstrap, tenant="acme", prefix=made.prefix, idempotent=idempotent, **connection) as producer:
        await _round(producer, texts[:8], 0.0)
        before_main, before_detection = time.process_time(), cpu_seconds(pool.pids)
        began, began_ms = time.monotonic(), time.time_ns() // 1_000_000
        burst = await _round(producer, texts, 0.0)
        seconds = time.monotonic() - began
        main, detection = time.process_time() - before_main, cpu_seconds(pool.pids) - before_detection
        per_second = len(texts) / seconds
        by_role = await _by_role(made, began_ms)
        paced = await _round(producer, texts, 1 / (per_second * PACE))
    return {
        "prompts_per_second": round(per_second, 1),
        "records_per_second_by_role_between_its_first_and_last": by_role,
        "answered": burst.answered + paced.answered,
        "added_latency_ms_at_half_throughput": latencies(paced.seconds, options.latency_seconds),
        "cpu_ms_per_prompt": {
            "detection_processes": round(detection / len(texts) * 1000, 2),
            "everything_else_three_roles_client_and_provider": round(main / len(texts) * 1000, 2),
        },
        "stage_microseconds_per_prompt": stages_microseconds(made, texts[:50]),
        "peak_memory_mib": {"main_process": peak_mib(None), "detector_processes": [peak_mib(pid) for pid in pool.pids]},
    }


@dataclass(frozen=True, slots=True)
class _Round:
    answered: int
    seconds: list[float]


async def _round(producer: PromptProducer, texts: Sequence[str], every_seconds: float) -> _Round:
    """Send all, one every so many seconds, and wait for all."""

    async def one(number: int, text: str) -> tuple[bool, float]:
        await asyncio.sleep(number * every_seconds)
        prompt = Prompt(tenant="acme", subject=f"bench-{number % 50}", purpose="support", messages=[("user", text)])
        began = time.monotonic()
        response = await producer.exchange(prompt, timeout_seconds=600.0)
        return response.status is Status.ANSWERED, time.monotonic() - began

    done = await asyncio.gather(*(one(number, text) for number, text in enumerate(texts)))
    return _Round(sum(answered for answered, _ in done), [seconds for _, seconds in done])


async def _by_role(made: Installation, since_ms: int) -> dict[str, float]:
    """From the times of the records that each role wrote in the burst; audit events are several a prompt."""
    rates: dict[str, float] = {}
    written_by = {"vault_requests": Topic.REQUESTS, "egress_completions": Topic.COMPLETIONS, "notary_audit_entries": Topic.AUDIT}
    for role, topic in written_by.items():
        written = [record.timestamp_ms async for record in read_all(made.connection(), made.prefix + topic)]
        times = sorted(at for at in written if at >= since_ms)
        spent_ms = times[-1] - times[0] if times else 0
        rates[role] = round((len(times) - 1) / spent_ms * 1000, 1) if spent_ms else 0.0
    return rates

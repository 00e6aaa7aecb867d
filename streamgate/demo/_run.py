"""One run of the demo, from an empty broker to the summary."""

from __future__ import annotations

import asyncio
import io
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from streamgate.adapters.detector_pool import DetectorPool
from streamgate.demo._broker import EmbeddedBroker
from streamgate.demo._inspect import Payload, everywhere, marked, missed, payload_leaks, payloads
from streamgate.demo._leaks import search
from streamgate.demo._options import DemoOptions
from streamgate.demo._provider import SimulatedProvider
from streamgate.demo._report import Exchange, Report
from streamgate.demo._sample import SAMPLES, Sample
from streamgate.demo._traffic import Traffic, exchange
from streamgate.demo._workers import Blind, Running, installation, workers
from streamgate.rights import NOT_KEPT_EMBEDDED

LATENCY_SECONDS = 0.05
SETTLE_SECONDS = 10.0
ONE_PROCESS = NOT_KEPT_EMBEDDED[-1]
Progress = Callable[[str], None]


@asynccontextmanager
async def run(options: DemoOptions, progress: Progress) -> AsyncIterator[tuple[Report, str]]:
    """The report and the address of the metrics page, while everything is still up."""
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        # The detector first: it takes longest, and its processes are forked before any key is in memory.
        pool = DetectorPool(workers=2)
        await pool.start()
        stack.push_async_callback(pool.stop)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="streamgate-demo-")))
        provider = None if options.live else await stack.enter_async_context(SimulatedProvider(LATENCY_SECONDS))
        bootstrap = options.bootstrap or (await stack.enter_async_context(EmbeddedBroker())).bootstrap
        progress("broker and provider are up; starting the three roles")
        made = installation(
            folder,
            bootstrap=bootstrap,
            prefix=f"streamgate-demo-{secrets.token_hex(4)}.",
            embedded=options.bootstrap is None,
            replication=options.replication_factor,
            base_url=None if provider is None else provider.base_url,
            api_key=options.api_key,
        )
        log = io.StringIO()
        detector = Blind(pool) if options.break_masking else pool
        running = await stack.enter_async_context(workers(made, detector, pool, log, options.log_level))
        started = time.monotonic() - began
        progress(f"ready after {started:.1f} s; sending {len(SAMPLES)} prompts")
        done = 0

        def sent(_sample: Sample) -> None:
            nonlocal done
            done += 1
            progress(f"{done} of {len(SAMPLES)} prompts ended")

        traffic = await exchange(made, SAMPLES, sent)
        await _settled(running)
        progress("searching topics, log, metrics and state for every planted value")
        report = Report("live" if options.live else "simulated", "kafka" if options.bootstrap else "embedded", started_in_seconds=started)
        report.promises_not_kept = NOT_KEPT_EMBEDDED if options.bootstrap is None else (ONE_PROCESS,)
        received = [] if provider is None else provider.received
        await _inspect(report, running, pool, traffic, received, log)
        yield report, f"http://127.0.0.1:{running.health.port}/metrics"


async def _settled(running: Running) -> None:
    """Until the audit log has caught up with the traffic, or a while has passed."""
    before = b""
    give_up = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < give_up and (page := _audit_counters(running)) != before:
        before = page
        await asyncio.sleep(0.3)


def _audit_counters(running: Running) -> bytes:
    return b"\n".join(line for line in running.metrics().splitlines() if line.startswith(b"streamgate_audit"))


async def _inspect(report: Report, running: Running, pool: DetectorPool, traffic: Traffic, received: list[bytes], log: io.StringIO) -> None:
    left = await payloads(running, SAMPLES, received)
    planted = [(planted.value, planted.kind) for sample in SAMPLES for planted in sample.planted]
    places = await everywhere(running, log.getvalue().encode())
    report.planted = len(planted)
    report.searched = {place: len(data) for place, data in places.items()} | {"provider": sum(map(len, received))}
    report.leaks = search(planted, places)
    for sample in SAMPLES:
        values = await marked(running.installation, pool, sample)
        report.leaks += payload_leaks(sample, values, left[sample.name])
        report.exchanges.append(_exchange(sample, traffic, left[sample.name]))


def _exchange(sample: Sample, traffic: Traffic, payload: Payload) -> Exchange:
    response, seconds = traffic.responses.get(sample.name), traffic.seconds.get(sample.name)
    answered = response is not None and response.text is not None
    if response is None:
        status, code, got = ("dead-lettered" if sample.raw else "no response", "", "")
    else:
        status, code = response.status.value, response.code.value
        got = response.text or f"{response.status}: {response.code}\n{response.next_step}"
    return Exchange(
        name=sample.name,
        title=sample.title,
        sent=sample.text(),
        received=payload.text(),
        got=got,
        status=status,
        code=code,
        added_ms=None if seconds is None or not answered else max(0.0, seconds - LATENCY_SECONDS) * 1000,
        missed=missed(sample, payload),
    )

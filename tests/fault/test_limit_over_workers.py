"""One account's limit, four egress processes, and somebody else on the same account, before a server that enforces limits as OpenAI does."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from streamgate.bootstrap import apply_topics
from streamgate.client import Prompt, PromptProducer
from streamgate.demo.soak._evidence import Limit
from streamgate.demo.soak._provider import UnreliableProvider
from streamgate.types import Role
from tests.e2e.world import until
from tests.fault.roles import Roles, started
from tests.fixtures_kafka import Broker, free_port

WORKERS = 4
LONG = os.environ.get("STREAMGATE_TEST_EVERY_POINT") == "1"
"""In its long form it is measured in its steady state: a first burst leaves its trace for two minutes."""
UNTIL_DEATH, ALONE, TOGETHER = (2.2, 2.6, 3.4) if LONG else (1.1, 1.3, 1.6)
"""Minutes' worth of calls."""
MINUTE_MS = 60_000
LIMIT = Limit(requests=int(os.environ.get("STREAMGATE_TEST_LIMIT", "300")), tokens=1_000_000)
pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(600)]


def prompt(number: int) -> Prompt:
    """One of 97 subjects."""
    return Prompt(
        tenant="acme",
        subject=f"s-{number % 97}",
        purpose="support",
        messages=[("user", f"Where is order {number}?")],
        event_id=f"event-{number}",
        deadline_ms=time.time_ns() // 1_000_000 + 600_000,
    )


def worst_minute(at_ms: list[int]) -> int:
    """Most calls in any sixty seconds."""
    return max((sum(1 for other in at_ms if at - MINUTE_MS < other <= at) for at in at_ms), default=0)


def metric_is(number: int, metric: str, port: int) -> Callable[[], Awaitable[bool | None]]:
    """Whether a worker's metric says so."""

    async def look() -> bool | None:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                found = re.search(rf"^streamgate_{metric}(?:{{.*}})? (\d+)", await answer.text(), re.MULTILINE)
        except aiohttp.ClientError:
            return None
        return (found is not None and int(found[1]) == number) or None

    return look


def called(provider: UnreliableProvider, minutes: float) -> Callable[[], Awaitable[bool | None]]:
    """Whether as many calls were made as so many minutes allow."""

    async def look() -> bool | None:
        return len(provider.calls) >= minutes * LIMIT.requests or None

    return look


@asynccontextmanager
async def somebody_else(provider: UnreliableProvider, per_minute: float) -> AsyncIterator[list[int]]:
    """Calls of the same account that are none of ours; yields their statuses."""
    statuses: list[int] = []

    async def call() -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"{time.monotonic_ns()}"}]}
                async with session.post(f"{provider.base_url}/chat/completions", json=body) as answer:
                    statuses.append(answer.status)
                    await asyncio.sleep(60 / per_minute)

    task = asyncio.create_task(call())
    try:
        yield statuses
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_four_workers_use_one_limit_and_nobody_is_refused(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """More waits than is allowed. One worker dies; what it held comes back. Then a third of the account is used by somebody else."""
    async with UnreliableProvider(LIMIT) as provider:
        roles = Roles(tmp_path, kafka.bootstrap, prefix, provider.base_url)
        roles.common["STREAMGATE_KAFKA__PARTITIONS"] = "8"
        budget = {"requests_per_minute": LIMIT.requests, "tokens_per_minute": LIMIT.tokens}
        roles.own[Role.EGRESS]["STREAMGATE_EGRESS__BUDGETS"] = json.dumps({"gpt-4o-mini": budget})
        made, port, egress_port, waiting = roles.installation(), free_port(), free_port(), int(LIMIT.requests * (TOGETHER + 0.4))
        await apply_topics(made)
        with started(roles, Role.NOTARY):
            roles.start(Role.VAULT, STREAMGATE_TELEMETRY__METRICS_PORT=str(port))
            options = made.connection().client_options()
            async with PromptProducer(options.pop("bootstrap_servers"), tenant="acme", prefix=prefix, **options) as producer:
                await asyncio.gather(*(producer.send(prompt(number)) for number in range(waiting)))
            await until(metric_is(waiting, "accepted_prompts_total", port), 240)
            for number in range(WORKERS):
                roles.start(Role.EGRESS, number, STREAMGATE_TELEMETRY__METRICS_PORT=str(egress_port) if number == 1 else "0")
            await until(metric_is(WORKERS, "workers_available", egress_port), 60)
            await until(called(provider, UNTIL_DEATH), 240)
            now_ms = time.time_ns() // 1_000_000
            last_minute = sum(1 for call in provider.calls if call.at_ms > now_ms - MINUTE_MS)
            roles.kill(Role.EGRESS, 3)
            killed = time.monotonic()
            await until(metric_is(WORKERS - 1, "workers_available", egress_port), 30)
            returned = time.monotonic() - killed
            await until(called(provider, ALONE), 150)
            alone = [call.at_ms for call in provider.calls]
            refused = sum(1 for call in provider.calls if call.status != 200)
            async with somebody_else(provider, LIMIT.requests / 3) as statuses:
                await until(called(provider, TOGETHER), 150)
            now_ms = time.time_ns() // 1_000_000
            shared = sum(1 for call in provider.calls if call.at_ms > now_ms - MINUTE_MS)
        late = sum(1 for call in provider.calls if call.status != 200) - refused
        print(  # noqa: T201  figures for whoever runs this with -s
            f"\n{len(alone)} calls: worst minute {worst_minute(alone) / LIMIT.requests:.1%} of the limit, the minute before a death"
            f" {last_minute / LIMIT.requests:.1%}, {refused} refused; the dead one's share free {returned:.1f} s after its death;"
            f" with somebody else: {shared / LIMIT.requests:.1%} in the last minute together, {late} refused (of them {statuses.count(429)} theirs)"
        )
        assert refused == 0
        assert worst_minute(alone) <= LIMIT.requests * 1.01
        assert not LONG or last_minute >= LIMIT.requests * 0.9
        assert late <= 2

"""Kill -9 of each role in the middle of 300 prompts, on real Kafka: every prompt has its one answer."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from streamgate.bootstrap import apply_topics, verify_audit
from streamgate.client import Prompt, PromptProducer
from streamgate.demo._provider import SimulatedProvider
from streamgate.types import Role
from tests.e2e.world import until
from tests.fault.roles import Roles, audited, responses, started
from tests.fixtures_kafka import Broker

PROMPTS = 300
DEADLINE_MS = 140_000
pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]


def prompts() -> list[Prompt]:
    """Prompts of 40 subjects, each with a value of its own."""
    return [
        Prompt(
            tenant="acme",
            subject=f"s-{number % 40}",
            purpose="support",
            messages=[("user", f"My name is Maria Gonzalez, mail maria{number}@example.com")],
            event_id=f"event-{number}",
            deadline_ms=time.time_ns() // 1_000_000 + DEADLINE_MS,
        )
        for number in range(PROMPTS)
    ]


@pytest.mark.parametrize("victim", list(Role))
async def test_every_prompt_is_answered_when_a_role_is_killed(victim: Role, kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """300 prompts, one role killed with -9 in the middle and started again: 300 answers, none of them twice, the audit chain whole."""
    async with SimulatedProvider(0.05) as provider:
        roles = Roles(tmp_path, kafka.bootstrap, prefix, provider.base_url)
        made = roles.installation()
        await apply_topics(made)
        sent = prompts()

        async def answered(share: int) -> dict[str, list[bytes]]:
            async def look() -> dict[str, list[bytes]] | None:
                found = await responses(made)
                return found if len(found) >= share else None

            return await until(look, 150)

        async def whole() -> int | None:
            return await audited(made)

        with started(roles):
            options = made.connection().client_options()
            async with PromptProducer(options.pop("bootstrap_servers"), tenant="acme", prefix=prefix, **options) as producer:
                await asyncio.gather(*(producer.send(prompt) for prompt in sent))
            at_kill = len(await answered(PROMPTS // 4))
            roles.kill(victim)
            killed = time.monotonic()
            roles.start(victim)
            found = await answered(PROMPTS)
            took = time.monotonic() - killed
            entries = await until(whole)
            found = await responses(made)  # once more: copies may have come after the last first response
            reports = await verify_audit(made, [tmp_path / "keys" / "notary.pub.pem"], None, None)
        copies = sum(len(each) - 1 for each in found.values())
        print(  # noqa: T201  figures for whoever runs this with -s
            f"\n{victim}: killed at {at_kill} answers; {len(found)} answered, {copies} copies, {len(provider.received) - PROMPTS} calls twice,"
            f" {entries} audit entries, all there {took:.1f} s after the kill"
        )
        assert at_kill < PROMPTS
        assert set(found) == {prompt.event_id for prompt in sent}
        assert copies == 0
        assert victim is Role.EGRESS or len(provider.received) == PROMPTS
        assert all(b"Maria Gonzalez" in each[0] for each in found.values())
        assert [report.first_break for report in reports.values()] == [None, None, None]

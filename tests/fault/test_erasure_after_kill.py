"""Erasures that wait while vault is dead: what they find when it comes back are prompts in every phase."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from uuid import uuid4

import pytest

from streamgate.bootstrap import apply_topics, produce_raw, verify_audit
from streamgate.client import Prompt, PromptProducer
from streamgate.codec import encode
from streamgate.demo._provider import SimulatedProvider
from streamgate.types import Role, Subject, Topic
from tests.e2e.world import until
from tests.fault.roles import Roles, audited, records, responses, started
from tests.fixtures_kafka import Broker

PROMPTS, SUBJECTS, PARTITIONS = 300, 40, 3
pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(180)]


async def test_every_prompt_ends_when_its_subject_is_erased_after_a_kill(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """Vault is killed in mid-work and every subject erased before it is back: every prompt ends, with its answer or as subject_erased."""
    async with SimulatedProvider(0.05) as provider:
        roles = Roles(tmp_path, kafka.bootstrap, prefix, provider.base_url)
        made = roles.installation()
        await apply_topics(made)
        sent = [
            Prompt(
                tenant="acme",
                subject=f"s-{number % SUBJECTS}",
                purpose="support",
                messages=[("user", f"My name is Maria Gonzalez, mail maria{number}@example.com")],
                event_id=f"event-{number}",
            )
            for number in range(PROMPTS)
        ]

        async def share() -> int | None:
            found = len(await responses(made))
            return found if found >= PROMPTS // 4 else None

        async def ended() -> dict[str, list[bytes]] | None:
            found = await responses(made)
            return found if len(found) == PROMPTS else None

        async def receipts() -> bool | None:
            return len(await records(made, Topic.SUBJECT_RESULTS)) >= SUBJECTS or None

        async def whole() -> int | None:
            return await audited(made)

        with started(roles):
            options = made.connection().client_options()
            async with PromptProducer(options.pop("bootstrap_servers"), tenant="acme", prefix=prefix, **options) as producer:
                await asyncio.gather(*(producer.send(prompt) for prompt in sent))
            at_kill = await until(share)
            roles.kill(Role.VAULT)
            for number in range(SUBJECTS):
                subject = Subject("acme", f"s-{number}")
                request = {
                    "request_id": uuid4().hex,
                    "tenant": subject.tenant,
                    "subject": subject.subject_id,
                    "kind": "erase",
                    "requested_at": time.time_ns() // 1_000_000,
                }
                await produce_raw(made, Topic.SUBJECT_REQUESTS, subject, encode(made.schemas.latest(Topic.SUBJECT_REQUESTS), request))
            roles.start(Role.VAULT)
            await until(receipts)
            found = await until(ended)
            await until(whole)
            found = await responses(made)
            reports = await verify_audit(made, [tmp_path / "keys" / "notary.pub.pem"], None, None)
        # One decision per partition may have been cut off between its answer and the row that says so: the erasure's end follows it.
        followed = [each for each in found.values() if len(set(each)) > 1]
        print(  # noqa: T201  figures for whoever runs this with -s
            f"\nkilled at {at_kill} answers; {sum(b'subject_erased' in each[0] for each in found.values())} ended as erased,"
            f" {sum(len(each) - 1 for each in found.values())} copies, {len(followed)} answers followed by an erasure's end"
        )
        assert set(found) == {prompt.event_id for prompt in sent}
        assert len(followed) <= PARTITIONS
        assert all(len(set(each)) == 2 and b"Maria Gonzalez" in each[0] and b"subject_erased" in each[-1] for each in followed)
        assert all(report.intact for report in reports.values())

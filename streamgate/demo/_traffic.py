"""Sends the samples and collects what comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streamgate.bootstrap import Installation, produce_raw
from streamgate.client import PromptProducer, Response
from streamgate.demo._sample import Sample, SampleKind
from streamgate.types import Subject, Topic

DEADLINE_SECONDS = 40.0
OVERDUE_MS = 1_000


@dataclass(slots=True, repr=False)
class Traffic:
    """What came back, by sample name."""

    responses: dict[str, Response] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


async def exchange(made: Installation, samples: Sequence[Sample], progress: Callable[[Sample], None]) -> Traffic:
    """Publish every sample, a conversation's turns one after another, and wait for the responses."""
    traffic = Traffic()
    options = made.connection().client_options()
    bootstrap = options.pop("bootstrap_servers")
    embedded = made.settings.kafka.embedded
    async with (
        PromptProducer(bootstrap, tenant="acme", prefix=made.prefix, idempotent=not embedded, **options) as acme,
        PromptProducer(
            bootstrap, tenant="globex", prefix=made.prefix, reply_topic=_reply_topic(made, "globex"), idempotent=not embedded, **options
        ) as globex,
    ):
        producers = {"acme": acme, "globex": globex}

        async def one(sample: Sample) -> None:
            if sample.kind is SampleKind.MALFORMED:
                await produce_raw(made, Topic.PROMPTS, Subject(sample.tenant, sample.subject), sample.raw or b"")
            else:
                now_ms = time.time_ns() // 1_000_000
                deadline = now_ms - OVERDUE_MS if sample.kind is SampleKind.OVERDUE else None
                began = time.monotonic()
                prompt = sample.prompt(deadline_ms=deadline)
                try:
                    traffic.responses[sample.name] = await producers[sample.tenant].exchange(prompt, timeout_seconds=DEADLINE_SECONDS)
                    traffic.seconds[sample.name] = time.monotonic() - began
                except TimeoutError:
                    pass  # shown as unanswered
            progress(sample)

        await asyncio.gather(*(one(sample) for sample in samples))
    return traffic


def _reply_topic(made: Installation, tenant: str) -> str:
    found = made.policy.tenant(tenant)
    return "responses" if found is None else found.reply_topics[0]

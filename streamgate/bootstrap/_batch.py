"""Assembles what egress does with prompts that are marked for a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streamgate.adapters.kafka_archive import KafkaArchive
from streamgate.adapters.openai_batch import OpenAIBatch
from streamgate.adapters.system import SystemEntropy
from streamgate.bootstrap._access import Access
from streamgate.bootstrap._installation import Installation
from streamgate.pipeline._batch_form import BatchLimits
from streamgate.pipeline._batch_steps import BatchSteps
from streamgate.pipeline.batch import Batches, TakeIn
from streamgate.pipeline.complete import Complete
from streamgate.telemetry import Telemetry
from streamgate.topology import BatchRounds


@dataclass(frozen=True, slots=True)
class BatchParts:
    """The stage, what goes round, and what it holds."""

    stage: TakeIn
    rounds: BatchRounds
    models: tuple[OpenAIBatch, ...]
    archive: KafkaArchive

    async def stop(self) -> None:
        """Look no more, and close every connection."""
        await self.rounds.stop()
        for model in self.models:
            await model.close()
        await self.archive.stop()


def build_batches(
    installation: Installation, reached: Mapping[str, Access], complete: Complete, owned: Callable[[], frozenset[int]], telemetry: Telemetry
) -> BatchParts:
    """Nothing is connected yet."""
    egress = installation.settings.egress
    settings = egress.batch
    seconds: dict[str, Any] = {"timeout_seconds": egress.call_timeout_seconds, "transfer_seconds": settings.transfer_seconds}
    models = {name: OpenAIBatch(**access.options(), **seconds, max_connections=8) for name, access in reached.items()}
    archive = KafkaArchive(installation.connection(), installation.prefix)
    steps = BatchSteps(complete, models, archive, telemetry, settings.poll_seconds)
    limits = BatchLimits(settings.most_requests, settings.most_bytes, round(settings.longest_wait_seconds * 1000))
    rounds = BatchRounds(Batches(steps, limits, SystemEntropy()), owned, telemetry, complete.clock, settings.poll_seconds)
    return BatchParts(TakeIn(complete), rounds, tuple(models.values()), archive)

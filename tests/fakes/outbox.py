"""A commit that keeps what it is given, and can be held up or made to fail."""

from __future__ import annotations

import asyncio

from streamgate.pipeline.ports.stage import Output
from streamgate.topology import Batch, Written


class FakeOutbox:
    """Implements ``streamgate.topology.Commit``; offsets are counted per topic."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.entered = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None
        self._offsets: dict[str, int] = {}

    async def carry_out(self, batch: Batch) -> Written:
        self.entered += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.batches.append(batch)
        rows = [row for effects in batch.effects for row in effects.rows]
        for output in self.outputs_of(batch):
            offset = self._offsets[output.topic] = self._offsets.get(output.topic, -1) + 1
            if output.settle is not None:
                rows.append(output.settle.row(offset))
        return Written(tuple(rows), None)

    @staticmethod
    def outputs_of(batch: Batch) -> list[Output]:
        return [output for effects in batch.effects for output in effects.outputs]

    @property
    def outputs(self) -> list[Output]:
        """Everything published, in order."""
        return [output for batch in self.batches for output in self.outputs_of(batch)]

"""What freshness and the watchers ask of a running Faust app. Not for stages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from streamgate.topology._app import RoleFaustApp


class AppInputs:
    """Implements ``_freshness.Inputs`` over the app's consumer and the runtime's ledgers."""

    def __init__(self, app: RoleFaustApp) -> None:
        """Ask ``app``."""
        self._app = app

    @property
    def topics(self) -> tuple[str, ...]:
        """All input topics, logical names."""
        return tuple(self._app.runtime.stages)

    def owned(self) -> frozenset[int]:
        """Partition numbers this worker owns."""
        return self._app.owned()

    def position(self, topic: str, partition: int) -> int | None:
        """The first offset not decided."""
        ledger = self._app.runtime.ledgers.current(topic, partition)
        return ledger.position if ledger else None

    async def ends(self, topics: tuple[str, ...], partitions: frozenset[int]) -> Mapping[tuple[str, int], int]:
        """End offsets from the broker. The consumer reads committed, so these are last stable offsets (KIP-98)."""
        places = {self._app.physical(topic, partition): (topic, partition) for topic in topics for partition in partitions}
        found = dict(await self._app.strict_consumer.highwaters(*places)) if places else {}
        if self._app.settings.embedded:
            # Its ListOffsets takes a batch for one record; a fetch tells the truth, so let one that began after the question come back.
            await asyncio.sleep(3 * self._app.settings.fetch_wait_ms / 1000)
            found = {tp: max(end or 0, self._app.strict_consumer.highwater(tp) or 0) for tp, end in found.items()}
        return {places[tp]: int(end or 0) for tp, end in found.items()}

    async def decided_to(self, topic: str, partition: int, end: int) -> bool:
        """Everything below ``end`` is decided.

        The last offsets may be transaction markers or compacted away, so no record brings the ledger to ``end``: then the consumer's own
        position tells, provided that every record it has handed out is finished.
        """
        ledger = self._app.runtime.ledgers.current(topic, partition)
        if ledger is None:
            return False
        if (ledger.position or 0) >= end:
            return True
        if ledger.unfinished:
            return False
        position, delivered = await self._app.strict_consumer.progress(self._app.physical(topic, partition))
        return position >= end and (ledger.position or 0) > delivered

    def lag(self) -> int:
        """Records at the broker that are not finished here, as far as the last fetch knew."""
        total = 0
        for topic, partition in self._app.runtime.ledgers.places():
            end = self._app.strict_consumer.highwater(self._app.physical(topic, partition))
            total += max(0, (end or 0) - (self.position(topic, partition) or 0))
        return total

"""Where a chain stands on the audit topic: implements ``streamgate.pipeline.notarise.HeadReader``."""

from __future__ import annotations

import asyncio

from aiokafka.errors import KafkaError

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_head import read_head

_PAUSE_SECONDS = 0.5


class ChainHeads:
    """Asks the broker, again and again while it does not answer: without a head nothing may be chained."""

    def __init__(self, connection: KafkaConnection, topic: str) -> None:
        """``topic`` is the physical name of the audit topic."""
        self._connection = connection
        self._topic = topic

    async def last(self, partition: int) -> bytes | None:
        """See the port."""
        while True:
            try:
                head = await read_head(self._connection, self._topic, partition)
            except (KafkaError, OSError):
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            return None if head is None else head.value

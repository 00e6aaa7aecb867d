"""A connection of Kafka's admin client, as a context."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from aiokafka.admin import AIOKafkaAdminClient

from streamgate.adapters.kafka_connection import KafkaConnection


class Admin:
    """``async with``: connected inside, closed afterwards."""

    def __init__(self, connection: KafkaConnection, request_seconds: float = 20.0) -> None:
        """Not connected yet."""
        self._admin = AIOKafkaAdminClient(**connection.client_options(), request_timeout_ms=int(request_seconds * 1000))

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._admin.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close."""
        await self._admin.close()

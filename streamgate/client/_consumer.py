"""Reads responses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from streamgate.client._events import Response
from streamgate.codec import Decoder, SchemaSet, packaged_schemas
from streamgate.errors import ConfigError, Unreadable
from streamgate.types import Topic


class ResponseConsumer:
    """An async iterator of responses.

    With ``group_id`` it is an ordinary Kafka consumer group and commits what it yielded once the next one is asked for (at least
    once: match on tenant, subject and event id). Without, it reads every partition, from now on or from the beginning, and commits nothing.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        topic: str = "responses",
        prefix: str = "streamgate.",
        group_id: str | None = None,
        from_beginning: bool = False,
        schemas: Path | None = None,
        **kafka: Any,
    ) -> None:
        """``kafka`` is passed on to aiokafka: ``security_protocol``, ``ssl_context``, ``sasl_*``."""
        self._topic = prefix + topic
        self._group = group_id
        self._from_beginning = from_beginning
        self.unreadable = 0
        """Records that are no response; a newer streamgate than this client writes them, or somebody else does."""
        self._decoder = Decoder(SchemaSet.load(schemas or packaged_schemas()), None)
        self._consumer = AIOKafkaConsumer(
            self._topic,
            bootstrap_servers=bootstrap,
            group_id=group_id,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            **kafka,
        )

    async def __aenter__(self) -> Self:
        """Connect; without a group, stand at the end (or the beginning) of every partition when this returns."""
        await self._consumer.start()
        if self._group is None:
            try:
                await self._stand()
            except BaseException:
                await self._consumer.stop()
                raise
        return self

    async def _stand(self) -> None:
        places = sorted(self._consumer.assignment())
        if not places:
            raise ConfigError((f"{self._topic}: there is no such topic; run `streamgate topics apply`",))
        if self._from_beginning:
            await self._consumer.seek_to_beginning(*places)
            return
        ends = await self._consumer.end_offsets(places)
        for place in places:
            self._consumer.seek(place, ends[place])

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def __aiter__(self) -> AsyncIterator[Response]:
        """Responses as they come, for ever. What cannot be read is counted in :attr:`unreadable` and passed over."""
        async for record in self._consumer:
            try:
                decoded = await self._decoder.decode(Topic.RESPONSES, record.value)
            except Unreadable:
                self.unreadable += 1
            else:
                yield Response.of(decoded.record)
            if self._group is not None:
                await self._consumer.commit({TopicPartition(record.topic, record.partition): record.offset + 1})

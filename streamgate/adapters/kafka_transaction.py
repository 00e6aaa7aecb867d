"""Everything that one batch writes, and what it has read, in one transaction of Kafka (KIP-98).

The transactional id is the fence: taking it (InitProducerId) ends whatever the previous holder had open, before it returns; from then on
every write of that holder is refused, also when its process was stopped and wakes up. Nothing is sent twice here: after a failure the
outcome may be unknown, and only whoever takes the id again, and looks at the log after that, knows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_publisher import Publication, send
from streamgate.errors import Code, Unavailable

_ABORT_SECONDS: Final = 3.0
_CLOSE_SECONDS: Final = 5.0
_BATCH_BYTES: Final = 256 * 1024
_FENCED: Final = (ProducerFenced, InvalidProducerEpoch)
"""The second is what older brokers say (KIP-588)."""


class KafkaTransactions:
    """One transactional id. Its transactions follow each other; they never overlap."""

    def __init__(
        self,
        connection: KafkaConnection,
        transactional_id: str,
        *,
        max_request_bytes: int = 4_000_000,
        request_seconds: float = 20.0,
        transaction_seconds: float = 50.0,
    ) -> None:
        """Not connected. The broker aborts what has been open for ``transaction_seconds``."""
        self._options: dict[str, Any] = {
            **connection.client_options(),
            "client_id": transactional_id,
            "transactional_id": transactional_id,
            "transaction_timeout_ms": int(transaction_seconds * 1000),
            "max_request_size": max_request_bytes,
            "max_batch_size": min(max_request_bytes, _BATCH_BYTES),
            "request_timeout_ms": int(request_seconds * 1000),
        }
        self._producer: AIOKafkaProducer | None = None

    async def take(self) -> None:
        """Take the id from whoever has it. Raises ``KafkaError`` or ``OSError``; cancelled, it leaves nothing behind."""
        producer = AIOKafkaProducer(**self._options)
        try:
            await producer.start()
        except BaseException:
            await _close(producer)
            raise
        self._producer = producer

    async def release(self) -> None:
        """Close without sending what is buffered; what is open is aborted by whoever takes the id next, or by the broker."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _close(producer)

    async def commit(
        self,
        records: Sequence[Publication],
        settled: Callable[[Sequence[int]], Sequence[Publication]],
        group: str,
        progress: Mapping[tuple[str, int], tuple[int, str]],
        give_up_seconds: float,
    ) -> list[int]:
        """Write ``records``, what ``settled`` makes of their offsets, and the group's ``progress``: all or nothing. The offsets of all.

        ``progress`` maps topic and partition to offset and metadata. Raises ``Unavailable`` when another has taken the id, or Kafka has
        not taken everything in time: whether it did is unknown then.
        """
        producer = self._producer
        if producer is None:
            raise Unavailable(Code.FENCED, "the partition is not this worker's")
        try:
            async with asyncio.timeout(give_up_seconds):
                await producer.begin_transaction()
                try:
                    offsets = await _write(producer, records, settled, group, progress)
                except BaseException:
                    await _abort(producer)
                    raise
                await producer.commit_transaction()
                return offsets
        except (KafkaError, OSError, TimeoutError) as error:
            raise Unavailable(Code.FENCED if isinstance(error, _FENCED) else Code.BROKER_UNAVAILABLE, type(error).__name__) from None


async def _write(
    producer: AIOKafkaProducer,
    records: Sequence[Publication],
    settled: Callable[[Sequence[int]], Sequence[Publication]],
    group: str,
    progress: Mapping[tuple[str, int], tuple[int, str]],
) -> list[int]:
    sending = _send_all(producer, records, settled)
    if not progress:
        return await sending
    offsets = {TopicPartition(*place): OffsetAndMetadata(*each) for place, each in progress.items()}
    sent, _ = await asyncio.gather(sending, producer.send_offsets_to_transaction(offsets, group))
    return sent


async def _send_all(
    producer: AIOKafkaProducer, records: Sequence[Publication], settled: Callable[[Sequence[int]], Sequence[Publication]]
) -> list[int]:
    first = await _send(producer, records)
    return first + await _send(producer, settled(first))


async def _send(producer: AIOKafkaProducer, records: Sequence[Publication]) -> list[int]:
    futures = [await send(producer, each) for each in records]
    offsets = [int(sent.offset) for sent in await asyncio.gather(*futures)]
    if any(offset < 0 for offset in offsets):
        raise KafkaError("the broker does not say where a record stands")
    return offsets


async def _abort(producer: AIOKafkaProducer) -> None:
    """So that later records of others become visible soon. Whoever takes the id next does it in any case."""
    with suppress(Exception):
        await asyncio.wait_for(producer.abort_transaction(), _ABORT_SECONDS)


async def _close(producer: AIOKafkaProducer) -> None:
    """Aiokafka flushes when it closes; its sender is ended first, so that nothing that was cut off goes out later."""
    task = producer._sender.sender_task  # noqa: SLF001
    if task is not None:
        task.cancel()
    with suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(producer.stop(), _CLOSE_SECONDS)

"""Publishes records and says at which offsets Kafka acknowledged them. Every record that streamgate's workers write goes through here.

What it guarantees: :meth:`KafkaPublisher.publish` returns only when all records are acknowledged, and records of one call that go to the
same topic partition stand there in the order given. What it does not: without a fence a record may stand there twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.errors import Code, Unavailable

_HOPELESS: Final = (MessageSizeTooLargeError, TopicAuthorizationFailedError)
_PAUSE_SECONDS: Final = 0.2
_STOP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, repr=False)
class Publication:
    """One record with its physical place."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    def __repr__(self) -> str:
        """Show place and size only."""
        return f"Publication({self.topic}-{self.partition}, {len(self.value or b'')} bytes)"


@dataclass(slots=True, eq=False)
class _Held:
    """A producer and the news that it was discarded: what it still buffers then never resolves."""

    producer: Any
    discarded: asyncio.Event = field(default_factory=asyncio.Event)


class KafkaPublisher:
    """One producer at a time, replaced when it is poisoned."""

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        embedded: bool = False,
        max_request_bytes: int = 4_000_000,
        request_seconds: float = 20.0,
        client_id: str = "streamgate",
    ) -> None:
        """``embedded``: that broker has no InitProducerId, and its ListOffsets takes every batch for one record: so a batch holds one."""
        self._connection = connection
        self._options: dict[str, Any] = {
            "client_id": client_id,
            "acks": "all",
            "enable_idempotence": not embedded,
            "max_request_size": max_request_bytes,
            "max_batch_size": 1 if embedded else min(max_request_bytes, 256 * 1024),
            "request_timeout_ms": int(request_seconds * 1000),
        }
        self._held: _Held | None = None
        self._stopped = False
        self._making = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect; ``Unavailable`` where no broker answers."""
        try:
            await self._current()
        except (KafkaError, OSError) as error:
            raise Unavailable(Code.BROKER_UNAVAILABLE, type(error).__name__) from None

    async def stop(self) -> None:
        """Send what is buffered, within a bound, and close."""
        self._stopped = True
        held, self._held = self._held, None
        if held is not None:
            await _close(held.producer)
        if self._closing:
            await asyncio.wait(self._closing, timeout=_STOP_SECONDS)

    async def abandon(self) -> None:
        """Drop the producer with everything it still buffers, so that nothing that was cancelled is delivered later."""
        if self._held is not None:
            await self._discard(self._held)

    async def publish(self, records: Sequence[Publication], give_up_seconds: float) -> list[int]:
        """The offset of each record, once all are acknowledged; ``Unavailable`` when that could not be had in time.

        After a failure everything from the first record that failed is sent again, in order, also what had succeeded: a later record must
        not end up before an earlier one. An idempotent producer fails every later send after one rejection (OutOfOrderSequenceNumber), so
        it is replaced after any failure.
        """
        offsets: list[int] = []
        loop = asyncio.get_running_loop()
        deadline = loop.time() + give_up_seconds
        while len(offsets) < len(records):
            held: _Held | None = None
            try:
                held = await asyncio.wait_for(self._current(), max(deadline - loop.time(), _PAUSE_SECONDS))
                acknowledged, failure = await _attempt(held, records[len(offsets) :], deadline - loop.time())
                offsets += acknowledged
            except (KafkaError, TimeoutError, OSError) as error:
                failure = error
            if failure is None:
                break
            if held is not None:
                await self._discard(held)
            if isinstance(failure, _HOPELESS) or loop.time() + _PAUSE_SECONDS >= deadline:
                raise Unavailable(Code.INTERNAL_ERROR, f"kafka: {type(failure).__name__}") from None
            await asyncio.sleep(_PAUSE_SECONDS)
        return offsets

    async def _current(self) -> _Held:
        if self._held is not None:
            return self._held
        async with self._making:
            if self._stopped:
                raise Unavailable(Code.INTERNAL_ERROR, "publisher is stopped")
            if self._held is None:
                producer = AIOKafkaProducer(**self._connection.client_options(), **self._options)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._held = _Held(producer)
            return self._held

    async def _discard(self, held: _Held) -> None:
        if self._held is held:
            self._held = None
        if not held.discarded.is_set():
            held.discarded.set()
            # aiokafka has no way to close without flushing: stopping its sender first leaves the buffer unsent.
            await held.producer._sender.close()  # noqa: SLF001
            task = asyncio.create_task(_close(held.producer))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


async def send(producer: Any, record: Publication) -> asyncio.Future[Any]:
    """Buffer one record; what is returned is done when Kafka has it."""
    headers = [*record.headers] or None
    sent: asyncio.Future[Any] = await producer.send(record.topic, record.value, key=record.key, partition=record.partition, headers=headers)
    return sent


async def _attempt(held: _Held, records: Sequence[Publication], seconds: float) -> tuple[list[int], BaseException | None]:
    """Send all, await all; the offsets before the first failure and that failure."""
    futures: deque[asyncio.Future[Any]] = deque()
    failure: BaseException | None = None
    discarded: asyncio.Future[Any] = asyncio.create_task(held.discarded.wait())
    try:
        async with asyncio.timeout(seconds):
            for record in records:  # what was sent before a failure is kept
                future = await send(held.producer, record)
                futures.append(future)
            acknowledged: asyncio.Future[Any] = asyncio.gather(*futures, return_exceptions=True)
            await asyncio.wait([acknowledged, discarded], return_when=asyncio.FIRST_COMPLETED)
    except (KafkaError, TimeoutError, OSError) as error:
        failure = error
    finally:
        discarded.cancel()
    offsets: list[int] = []
    for future in futures:
        if not future.done() or future.cancelled():
            return offsets, failure or TimeoutError()
        error_of_one = future.exception()
        if error_of_one is not None:
            return offsets, error_of_one
        offsets.append(int(future.result().offset))
    return offsets, failure


async def _close(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), _STOP_SECONDS)
    except (KafkaError, TimeoutError, OSError):
        return  # nothing of it is used any more

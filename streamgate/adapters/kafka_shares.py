"""Limits shared by all replicas of egress over one topic partition: implements ``streamgate.provider.Shares`` on ``provider.Member``.

What is written is read back before it counts. While the broker is away leases end, and nobody is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from streamgate.adapters._share_records import Said, from_record, to_record
from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_head import manual_consumer
from streamgate.codec import Schema, encode, parse_frame
from streamgate.effects import Clock, Entropy
from streamgate.errors import StreamgateError
from streamgate.provider import NOTHING, Amount, Entry, Member, Need
from streamgate.telemetry import ShareHeld, Telemetry, WorkersShare

HISTORY_MS: Final = 70_000
"""What was written before is of no use to a newcomer: a window, and a little more."""
_HURRY_SECONDS: Final = 0.05
_LOOK_SECONDS: Final = 0.25
_RETRY_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 2.0


class KafkaShares:
    """One replica. It takes another name, and begins anew, where it has missed a record."""

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        schema: Schema,
        *,
        needs: Callable[[float], Mapping[str, Need]],
        changed: Callable[[], None],
        telemetry: Telemetry,
        clock: Clock,
        entropy: Entropy,
        fetch_wait_ms: int = 500,
    ) -> None:
        """``topic`` is the physical name; ``needs`` is asked for what this replica needs, ``changed`` told when it may use more or less."""
        self._connection = connection
        self._place = TopicPartition(topic, 0)
        self._schema = schema
        self._needs = needs
        self._changed = changed
        self._telemetry = telemetry
        self._clock = clock
        self._entropy = entropy
        self._fetch_wait_ms = fetch_wait_ms
        self._member = self._new()
        self._next: int | None = None
        """The offset to be read next; ``None`` before the first."""
        self._told = 0
        """How many workers were told of last."""
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether it knows what the others hold."""
        return self._task is not None and not self._task.done() and self._member.joined

    @property
    def replicas(self) -> int:
        """How many share, as far as it knows."""
        return self._member.replicas

    def holds(self, name: str, now: float) -> Amount:
        """See :class:`streamgate.provider.Shares`."""
        return self._member.holds(name, now)

    def share(self, name: str, limit: Amount) -> Amount:
        """See :class:`streamgate.provider.Shares`."""
        return self._member.share(name, limit)

    def others(self, name: str) -> Amount:
        """See :class:`streamgate.provider.Shares`."""
        return self._member.others(name)

    def want(self) -> None:
        """Needs have changed: say so soon."""
        self._wanted.set()

    async def start(self) -> None:
        """Begin in the background."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Give back what is held, and end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def _new(self) -> Member:
        return Member(self._entropy.token_bytes(8).hex())

    async def _run(self) -> None:
        while True:
            consumer = manual_consumer(self._connection, "streamgate-budget", self._fetch_wait_ms)
            producer = AIOKafkaProducer(**self._connection.client_options(), client_id="streamgate-budget", acks="all")
            try:
                await self._connected(consumer, producer)
                await asyncio.sleep(_RETRY_SECONDS)
            except asyncio.CancelledError:
                with suppress(KafkaError, OSError, TimeoutError):
                    async with asyncio.timeout(_STOP_SECONDS):
                        await self._leave(producer)
                raise
            finally:
                await producer.stop()
                await consumer.stop()

    async def _connected(self, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer) -> None:
        """For as long as the broker answers."""
        with suppress(KafkaError, OSError):
            await consumer.start()
            await producer.start()
            listening, speaking = (asyncio.create_task(each) for each in (self._listen(consumer), self._speak(producer)))
            try:
                await asyncio.wait({listening, speaking}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                listening.cancel()
                speaking.cancel()
                ended = await asyncio.gather(listening, speaking, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error

    async def _listen(self, consumer: AIOKafkaConsumer) -> None:
        consumer.assign([self._place])
        if self._next is None:
            self._next = await self._begin(consumer)
        consumer.seek(self._place, self._next)
        while True:
            batches = await consumer.getmany(timeout_ms=1_000)
            for record in (record for batch in batches.values() for record in batch):
                self._hear(record.offset, record.timestamp, record.value)
            if batches:
                self._changed()
                self._wanted.set()

    async def _begin(self, consumer: AIOKafkaConsumer) -> int:
        since = self._clock.now_ms() - HISTORY_MS
        with suppress(KafkaError):
            found = (await consumer.offsets_for_times({self._place: since}))[self._place]
            if found is not None:
                return int(found.offset)
        return int((await consumer.beginning_offsets([self._place]))[self._place])

    def _hear(self, offset: int, timestamp_ms: int, value: bytes | None) -> None:
        if self._next is not None and offset > self._next:
            self._member = self._new()  # what stood there nobody can tell any more
        self._next = offset + 1
        with suppress(StreamgateError):  # not one of ours: it says nothing, to nobody
            frame = parse_frame(value)
            if frame.fingerprint == self._schema.fingerprint:
                entry = Entry(offset, timestamp_ms, from_record(self._schema.decode(frame.payload)))
                self._member.hear(entry, self._clock.monotonic())

    async def _speak(self, producer: AIOKafkaProducer) -> None:
        while True:
            now = self._clock.monotonic()
            needs = self._needs(now)
            said = self._member.announce(needs, now, self._entropy.token_bytes(1)[0] / 256)
            for each in said:
                await self._write(producer, each)
            if said:
                self._tell(needs)
            self._wanted.clear()
            await asyncio.sleep(_HURRY_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS - _HURRY_SECONDS):
                    await self._wanted.wait()

    async def _write(self, producer: AIOKafkaProducer, said: Said) -> None:
        value = encode(self._schema, to_record(said))
        await producer.send_and_wait(self._place.topic, value=value, partition=self._place.partition)

    async def _leave(self, producer: AIOKafkaProducer) -> None:
        for last in self._member.leave(self._needs(self._clock.monotonic()), self._clock.monotonic()):
            await self._write(producer, last)

    def _tell(self, needs: Mapping[str, Need]) -> None:
        if self._told != self._member.replicas:
            self._told = self._member.replicas
            self._telemetry.emit(WorkersShare(self._told))
        for name in needs:
            held = self._member.holds(name, self._clock.monotonic())
            kind, _, model = name.partition(":")
            if kind == "model" and held != NOTHING:
                self._telemetry.emit(ShareHeld(model, held.requests, held.tokens))

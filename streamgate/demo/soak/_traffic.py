"""Sends the prompts and everything else that producers send, and keeps what Kafka acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streamgate.adapters.kafka_head import read_all
from streamgate.bootstrap import Decision, Installation, Right
from streamgate.client import Prompt
from streamgate.codec import encode
from streamgate.demo.soak._evidence import Forbidden, Sent, Sort
from streamgate.demo.soak._load import BY_CONSENT, CONSENTING, TENANT, Load
from streamgate.types import Subject, Topic

_AGAIN_SECONDS: Final = 0.5


class Traffic:
    """``async with Traffic(installation, load) as traffic``."""

    def __init__(self, made: Installation, load: Load, deadline_seconds: float) -> None:
        """Talks to the broker directly: the producers' connections are not what is tested."""
        self.prompts: set[str] = set()
        """Event ids of the prompts that Kafka acknowledged."""
        self._meant: dict[bytes, tuple[Sort, Prompt]] = {}
        self.withdrawn: list[Forbidden] = []
        self.erasures: dict[str, tuple[str, int]] = {}
        """Subject and time of each erasure asked for, by request id."""
        self._made = made
        self._load = load
        self._deadline_ms = int(deadline_seconds * 1000)
        self._producer = AIOKafkaProducer(**made.connection().client_options(), acks="all", enable_idempotence=True)
        self._bodies: dict[int, tuple[Prompt, bytes]] = {}

    async def __aenter__(self) -> Self:
        """Connect, and record the grants of those whose prompts need one."""
        await self._producer.start()
        await asyncio.gather(*(self._decide(number, Decision.GRANT) for number in range(CONSENTING)))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Disconnect."""
        await self._producer.stop()

    async def prompt(self, number: int) -> None:
        """The prompt of this number."""
        prompt = self._load.prompt(number, _now_ms() + self._deadline_ms)
        self._bodies[number] = prompt, self._encoded(prompt)
        await self._publish(Sort.PROMPT, prompt, self._bodies[number][1])

    async def copy(self, number: int) -> None:
        """An earlier prompt once more, the same bytes."""
        await self._publish(Sort.COPY, *self._bodies[number])

    async def conflict(self, number: int) -> None:
        """An earlier event id with another text."""
        prompt = self._load.conflicting(number)
        await self._publish(Sort.CONFLICT, prompt, self._encoded(prompt))

    async def oversize(self, mark: str, number: int) -> None:
        """A prompt that is larger than is allowed: it is refused, which is an outcome too."""
        prompt = self._load.oversize(mark, number)
        await self._publish(Sort.PROMPT, prompt, self._encoded(prompt))

    async def malformed(self, number: int) -> None:
        """Bytes that are no event."""
        await self._publish(Sort.MALFORMED, self._load.prompt(number), self._load.malformed(number))

    async def withdraw(self, number: int) -> None:
        """One of those who consented withdraws."""
        at_ms = await self._decide(number % CONSENTING, Decision.WITHDRAW)
        self.withdrawn.append(Forbidden(self._load.subject(number % CONSENTING), at_ms))

    async def erase(self, mark: str, number: int) -> None:
        """A subject asks to be erased."""
        subject = Subject(TENANT, self._load.subject(number))
        record = {
            "request_id": mark,
            "tenant": TENANT,
            "subject": subject.subject_id,
            "kind": Right.ERASE.value,
            "requested_at": _now_ms(),
        }
        at_ms = await self._write(Topic.SUBJECT_REQUESTS, subject.key(), self._value(Topic.SUBJECT_REQUESTS, record))
        self.erasures[mark] = subject.subject_id, at_ms

    async def _decide(self, number: int, decision: Decision) -> int:
        subject = Subject(TENANT, self._load.subject(number))
        record = {
            "tenant": TENANT,
            "subject": subject.subject_id,
            "purpose": BY_CONSENT,
            "decision": decision.value,
            "decided_at": _now_ms(),
            "source": "soak",
        }
        return await self._write(Topic.CONSENTS, subject.key(), self._value(Topic.CONSENTS, record))

    async def sent(self) -> AsyncIterator[Sent]:
        """Every record of the prompts topics, those included of which Kafka's acknowledgement was lost."""
        seen: set[bytes] = set()
        for topic in (Topic.PROMPTS, Topic.PROMPTS_BULK):
            async for record in read_all(self._made.connection(), self._made.prefix + topic):
                sort, prompt = self._meant[record.value or b""]
                if sort is Sort.PROMPT and record.value in seen:
                    sort = Sort.COPY
                seen.add(record.value or b"")
                yield Sent(sort, prompt.event_id, prompt.subject, record.partition, record.offset, record.timestamp_ms, topic)

    async def _publish(self, sort: Sort, prompt: Prompt, value: bytes) -> None:
        self._meant.setdefault(value, (sort, prompt))
        await self._write(Topic.PROMPTS_BULK if prompt.bulk else Topic.PROMPTS, prompt.key, value)
        if sort is Sort.PROMPT:
            self.prompts.add(prompt.event_id)

    async def _write(self, topic: Topic, key: bytes, value: bytes) -> int:
        """Until Kafka has it. The same bytes again where it is not known whether it has: that is a copy, which any producer may send."""
        while True:
            try:
                placed = await self._producer.send_and_wait(self._made.prefix + topic, key=key, value=value)
            except KafkaError:
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return int(placed.timestamp)

    def _encoded(self, prompt: Prompt) -> bytes:
        return self._value(Topic.PROMPTS, prompt.record(created_at_ms=_now_ms()))

    def _value(self, topic: Topic, record: dict[str, Any]) -> bytes:
        return encode(self._made.schemas.latest(topic), record)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

"""Publishes prompts, and waits for their answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer

from streamgate.client._consumer import ResponseConsumer
from streamgate.client._events import Prompt, Response
from streamgate.codec import SchemaSet, encode, packaged_schemas
from streamgate.types import ChatRole, Topic

_Event = tuple[str, str, str]
"""Tenant, subject and event id: together they are unique."""


class PromptProducer:
    """Publishes prompt events as Avro, keyed and partitioned as streamgate expects."""

    def __init__(
        self,
        bootstrap: str,
        *,
        tenant: str,
        purpose: str | None = None,
        prefix: str = "streamgate.",
        reply_topic: str = "responses",
        schemas: Path | None = None,
        idempotent: bool = True,
        **kafka: Any,
    ) -> None:
        """``reply_topic`` is where :meth:`ask` listens; ``kafka`` goes to aiokafka: ``security_protocol``, ``ssl_context``, ``sasl_*``."""
        self._tenant = tenant
        self._purpose = purpose
        self._lanes = {False: prefix + Topic.PROMPTS, True: prefix + Topic.PROMPTS_BULK}
        self._reply_topic = reply_topic
        self._schema = SchemaSet.load(schemas or packaged_schemas()).latest(Topic.PROMPTS)
        # aiokafka's default partitioner is murmur2, as streamgate checks on arrival.
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=idempotent, **kafka)
        self._responses = ResponseConsumer(bootstrap, topic=reply_topic, prefix=prefix, schemas=schemas, **kafka)
        self._waiting: dict[_Event, asyncio.Future[Response]] = {}
        self._listener: asyncio.Task[None] | None = None
        self._listening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._producer.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Flush and disconnect; whoever still waits for an answer gets ``CancelledError``."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
            await self._responses.__aexit__(None, None, None)
        for waiting in self._waiting.values():
            waiting.cancel()
        await self._producer.stop()

    async def send(self, prompt: Prompt) -> str:
        """Publish, and return the event id once Kafka has acknowledged it."""
        value = encode(self._schema, prompt.record(created_at_ms=time.time_ns() // 1_000_000))
        await self._producer.send_and_wait(self._lanes[prompt.bulk or prompt.batch], key=prompt.key, value=value)
        return prompt.event_id

    async def ask(
        self,
        subject: str,
        text: str | Sequence[tuple[ChatRole, str]],
        *,
        purpose: str | None = None,
        context: Mapping[str, Any] | None = None,
        timeout_seconds: float = 120.0,
        **fields: Any,
    ) -> Response:
        """Publish a prompt and wait for its one terminal response; ``TimeoutError`` when none came in time.

        ``fields`` are further fields of :class:`Prompt`. A refusal is a response, not an exception: look at ``status``.
        """
        chosen = purpose or self._purpose
        if chosen is None:
            raise ValueError("ask: name a purpose, here or when the producer is made")
        messages: Sequence[tuple[ChatRole, str]] = [("user", text)] if isinstance(text, str) else text
        prompt = Prompt(tenant=self._tenant, subject=subject, purpose=chosen, messages=messages, context=context, **fields)
        return await self.exchange(prompt, timeout_seconds=timeout_seconds)

    async def exchange(self, prompt: Prompt, *, timeout_seconds: float = 120.0) -> Response:
        """Like :meth:`ask`, for a prompt that was built before. Its reply topic must be the one this producer listens to."""
        event = (prompt.tenant, prompt.subject, prompt.event_id)
        if event in self._waiting:
            raise ValueError("exchange: this event is waited for already; give each prompt an event_id of its own")
        await self._listen()
        answer = self._waiting[event] = asyncio.get_running_loop().create_future()
        try:
            await self.send(prompt)
            return await asyncio.wait_for(answer, timeout_seconds)
        finally:
            self._waiting.pop(event, None)

    async def _listen(self) -> None:
        async with self._listening:
            if self._listener is None:
                await self._responses.__aenter__()
                self._listener = asyncio.create_task(self._dispatch())
            elif self._listener.done():
                self._listener.result()  # raises what ended it

    async def _dispatch(self) -> None:
        try:
            async for response in self._responses:
                waiting = self._waiting.get(_event_of(response, self._waiting))
                if waiting is not None and not waiting.done():
                    waiting.set_result(response)
        except Exception as error:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(error)  # nobody listens any more: whoever waits hears why, and not only when time is out
            raise


def _event_of(response: Response, waiting: Collection[_Event]) -> _Event:
    """Whom a response is for. A refusal that names nobody is for whoever waits under its event id, where only one does."""
    if response.tenant is not None and response.subject is not None:
        return response.tenant, response.subject, response.event_id
    candidates = [event for event in waiting if event[2] == response.event_id]
    return candidates[0] if len(candidates) == 1 and response.text is None else ("", "", "")

"""What a user would build instead: consume, mask with Presidio's default analyzer, call, produce; one loop in one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import tldextract
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from openai import AsyncOpenAI
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider

from streamgate.adapters.kafka_topics import KafkaTopics, PlannedTopic
from streamgate.adapters.presidio import MODEL
from streamgate.bootstrap import Installation
from streamgate.demo._bench_measure import latencies

AT_ONCE = 32
"""Calls of the model in flight, as many as streamgate's runtime has records."""


async def baseline(made: Installation, texts: Sequence[str], base_url: str, provider_seconds: float) -> dict[str, Any]:
    """Prompts per second in a burst, latency at half of that, processor time per prompt."""
    source, target = made.prefix + "baseline-in", made.prefix + "baseline-out"
    connection = made.connection()
    plan = [PlannedTopic(name, 1, 1) for name in (source, target)]
    async with KafkaTopics(connection) as topics:
        await topics.apply(plan)
    loop = _Loop(made, source, target, base_url)
    await loop.start()
    try:
        await loop.run(texts[:8], 0.0)
        before, began = time.process_time(), time.monotonic()
        await loop.run(texts, 0.0)
        per_second = len(texts) / (time.monotonic() - began)
        cpu = (time.process_time() - before) / len(texts)
        paced = await loop.run(texts, 2 / per_second)
    finally:
        await loop.stop()
        async with KafkaTopics(connection) as topics:
            await topics.delete((source, target))
    return {
        "what": "aiokafka loop, Presidio's default AnalyzerEngine, openai SDK; loses records on a crash, restores nothing, audits nothing",
        "prompts_per_second": round(per_second, 1),
        "added_latency_ms_at_half_throughput": latencies(paced, provider_seconds),
        "cpu_ms_per_prompt": round(cpu * 1000, 2),
    }


class _Loop:
    def __init__(self, made: Installation, source: str, target: str, base_url: str) -> None:
        options = made.connection().client_options()
        self._source, self._target = source, target
        self._producer = AIOKafkaProducer(**options)
        self._consumer = AIOKafkaConsumer(**options, group_id=None, auto_offset_reset="earliest", fetch_max_wait_ms=50)
        self._client = AsyncOpenAI(api_key="none", base_url=base_url, max_retries=0)
        tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # type: ignore[assignment]  # never fetch a list
        configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
        self._analyzer = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine())
        self._waiting: dict[bytes, asyncio.Future[None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self._producer.start()
        await self._consumer.start()
        self._consumer.assign([TopicPartition(self._source, 0)])
        self._spawn(self._consume())

    async def stop(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._consumer.stop()
        await self._producer.stop()
        await self._client.close()

    async def run(self, texts: Sequence[str], every_seconds: float) -> list[float]:
        """Seconds from publishing a prompt to its answer being published."""

        async def one(number: int, text: str) -> float:
            await asyncio.sleep(number * every_seconds)
            began = time.monotonic()
            key = f"{began}-{number}".encode()
            answered = self._waiting[key] = asyncio.get_running_loop().create_future()
            await self._producer.send_and_wait(self._source, key=key, value=text.encode())
            await answered
            return time.monotonic() - began

        return list(await asyncio.gather(*(one(number, text) for number, text in enumerate(texts))))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _consume(self) -> None:
        async for record in self._consumer:
            await self._slots.acquire()
            self._spawn(self._answer(record.key, record.value.decode()))

    async def _answer(self, key: bytes, text: str) -> None:
        try:
            reply = await self._client.chat.completions.create(model="m", messages=[{"role": "user", "content": self._masked(text)}])
            await self._producer.send_and_wait(self._target, key=key, value=(reply.choices[0].message.content or "").encode())
            self._waiting.pop(key).set_result(None)
        finally:
            self._slots.release()

    def _masked(self, text: str) -> str:
        found = sorted(self._analyzer.analyze(text, language="en"), key=lambda each: each.start, reverse=True)
        for each in found:
            text = text[: each.start] + f"<{each.entity_type}>" + text[each.end :]
        return text

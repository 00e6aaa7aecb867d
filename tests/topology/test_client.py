"""The client on a real broker: responses in order, each group member's place kept, and what is no response passed over."""

from __future__ import annotations

import asyncio

from streamgate.client import ResponseConsumer
from streamgate.codec import SchemaSet, packaged_schemas
from streamgate.errors import Code, Status
from streamgate.pipeline._publish import Responses
from streamgate.types import Topic
from tests.fixtures_kafka import Broker
from tests.topology.toy import make_topics, send


def response(event_id: str) -> bytes:
    made = Responses(SchemaSet.load(packaged_schemas()).latest(Topic.RESPONSES), Topic.RESPONSES)
    return made.anonymous(event_id, Code.UNKNOWN_TENANT).value or b""


async def take(consumer: ResponseConsumer, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(30):
        async for each in consumer:
            assert each.status is Status.REFUSED
            found.append(each.event_id)
            if len(found) == count:
                break
    return found


async def test_what_is_no_response_is_passed_over(broker: Broker, prefix: str) -> None:
    """Rubbish between two responses costs neither of them, and is counted."""
    await make_topics(broker, prefix)
    await send(broker, prefix + "responses", [response("e-1"), b"rubbish", None, response("e-2")], partition=0)
    async with ResponseConsumer(broker.bootstrap, prefix=prefix, from_beginning=True) as consumer:
        assert await take(consumer, 2) == ["e-1", "e-2"]
        assert consumer.unreadable == 2


async def test_a_group_goes_on_where_it_was(broker: Broker, prefix: str) -> None:
    """What was yielded and followed by the next one is not read again; the last one is (at least once)."""
    await make_topics(broker, prefix)
    await send(broker, prefix + "responses", [response(f"e-{number}") for number in range(4)], partition=0)
    async with ResponseConsumer(broker.bootstrap, prefix=prefix, group_id=prefix + "crm") as consumer:
        assert await take(consumer, 2) == ["e-0", "e-1"]
    async with ResponseConsumer(broker.bootstrap, prefix=prefix, group_id=prefix + "crm") as consumer:
        assert await take(consumer, 3) == ["e-1", "e-2", "e-3"]

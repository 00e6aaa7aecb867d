"""What is spent is counted exactly, and a budget stops calls: two egress workers on real Kafka, and kill -9 of one in the middle."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streamgate.bootstrap import Installation, apply_topics
from streamgate.client import Prompt, PromptProducer
from streamgate.codec import Decoded
from streamgate.demo._provider import SimulatedProvider
from streamgate.pipeline._spending import read_spend
from streamgate.provider import SCALE, Spent, plain
from streamgate.types import Role, Topic
from tests.e2e.world import until
from tests.fault.roles import Roles, records, responses, started
from tests.fixtures_kafka import Broker

PRICE_IN, PRICE_OUT = 150_000, 600_000
"""Parts of 10⁻¹² for a token: 0.15 and 0.6 for a million."""
PRICES = {"EGRESS__PRICES": json.dumps({"gpt-4o-mini": {"input": 0.15, "output": 0.6}})}
POOL = 4
DEADLINE_MS = 100_000
pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]


def prompts(count: int) -> list[Prompt]:
    """Prompts of 40 subjects."""
    return [
        Prompt(
            tenant="acme",
            subject=f"s-{number % 40}",
            purpose="support",
            messages=[("user", f"My name is Maria Gonzalez, mail maria{number}@example.com. " + "Please answer. " * (number % 7))],
            event_id=f"event-{number}",
            deadline_ms=time.time_ns() // 1_000_000 + DEADLINE_MS,
        )
        for number in range(count)
    ]


async def decoded(made: Installation, topic: Topic) -> list[tuple[int, bytes | None, Decoded]]:
    decoder = made.decoder()
    return [(each.partition, each.key, await decoder.decode(topic, each.value)) for each in await records(made, topic) if each.value]


async def counted(made: Installation) -> Spent:
    """The sum of the last record of each key and partition."""
    last = {(partition, key): read_spend(each.record)[1] for partition, key, each in await decoded(made, Topic.SPEND)}
    return sum(last.values(), Spent())


async def used(made: Installation) -> Spent:
    """What the completions say was used."""
    total = Spent()
    for _, _, each in await decoded(made, Topic.COMPLETIONS):
        usage = each.record["usage"]
        if usage is not None:
            tokens = (usage["prompt_tokens"], usage["completion_tokens"])
            total += Spent(1, 0, 0, *tokens, amount=PRICE_IN * tokens[0] + PRICE_OUT * tokens[1])
    return total


async def all_ended(made: Installation, count: int) -> dict[str, list[bytes]]:
    async def look() -> dict[str, list[bytes]] | None:
        found = await responses(made)
        return found if len(found) >= count else None

    return await until(look, 150)


async def codes(made: Installation) -> Counter[str]:
    return Counter(each.record["code"] for _, _, each in await decoded(made, Topic.RESPONSES))


@asynccontextmanager
async def two_egress(kafka: Broker, prefix: str, folder: Path, provider: SimulatedProvider, **settings: str) -> AsyncIterator[Roles]:
    roles = Roles(folder, kafka.bootstrap, prefix, provider.base_url, RUNTIME__POOL=str(POOL), **PRICES, **settings)
    await apply_topics(roles.installation())
    with started(roles):
        roles.start(Role.EGRESS, 1)
        yield roles


async def send(made: Installation, prefix: str, sent: list[Prompt]) -> None:
    options = made.connection().client_options()
    async with PromptProducer(options.pop("bootstrap_servers"), tenant="acme", prefix=prefix, **options) as producer:
        await asyncio.gather(*(producer.send(prompt) for prompt in sent))


async def test_a_budget_stops_the_calls_of_two_workers(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """200 prompts on a budget for some 75 of them: the others end with ``money_spent``; what goes beyond was out elsewhere, or not read yet."""
    budget = 3 * 10 ** (SCALE - 3)
    async with SimulatedProvider(0.05) as provider:
        money = {"EGRESS__DEFAULT_PRICE": '{"input": 9, "output": 9}', "EGRESS__MONEY__TENANTS": '{"acme": {"per_day": 0.003}}'}
        async with two_egress(kafka, prefix, tmp_path, provider, **money) as roles:
            made = roles.installation()
            sent = prompts(200)
            await send(made, prefix, sent)
            found = await all_ended(made, len(sent))
            spent, calls = await counted(made), len(provider.received)
            ended = await codes(made)
    most = max((await costs_of_calls(made)).values())
    print(  # noqa: T201  figures for whoever runs this with -s
        f"\nbudget {plain(budget)}, spent {plain(spent.amount)} in {calls} calls, most for one {plain(most)}, {dict(ended)}"
    )
    assert set(found) == {prompt.event_id for prompt in sent}
    assert set(ended) == {"ok", "money_spent"}
    assert ended["ok"] == calls == spent.calls
    assert (await used(made)).amount == spent.amount
    assert budget / 2 < spent.amount <= budget + 2 * POOL * most


async def costs_of_calls(made: Installation) -> dict[bytes, int]:
    """By request."""
    completions = [each.record for _, _, each in await decoded(made, Topic.COMPLETIONS)]
    return {
        each["request_id"]: PRICE_IN * each["usage"]["prompt_tokens"] + PRICE_OUT * each["usage"]["completion_tokens"]
        for each in completions
        if each["usage"] is not None
    }


async def test_what_was_spent_is_exact_over_kills(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """300 prompts, two egress workers killed with -9 in turn, three times: the sums equal those of the completions, to the last token."""
    async with SimulatedProvider(0.05) as provider, two_egress(kafka, prefix, tmp_path, provider) as roles:
        made = roles.installation()
        sent = prompts(300)
        await send(made, prefix, sent)
        for share, number in ((60, 0), (120, 1), (180, 0)):
            await all_ended(made, share)
            roles.kill(Role.EGRESS, number)
            roles.start(Role.EGRESS, number)
        await all_ended(made, len(sent))
        spent, said = await counted(made), await used(made)
        print(  # noqa: T201  figures for whoever runs this with -s
            f"\n{spent.requests} requests, {spent.calls} calls counted, {len(provider.received)} received,"
            f" {spent.unknown_calls} of unknown cost, {plain(spent.amount)} spent, {dict(await codes(made))}"
        )
        assert await codes(made) == {"ok": len(sent)}
        assert (spent.requests, spent.prompt_tokens, spent.completion_tokens, spent.amount) == (
            said.requests,
            said.prompt_tokens,
            said.completion_tokens,
            said.amount,
        )
        assert len(provider.received) - len(sent) <= spent.unknown_calls

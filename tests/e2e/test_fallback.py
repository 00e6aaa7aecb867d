"""A fallback through all three roles on real Kafka: the policy names it, vault writes it into the request, egress calls it, and it is on record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from streamgate.bootstrap import Installation
from streamgate.config import ProviderAccess, load_policy
from streamgate.errors import Code, Status
from streamgate.types import Topic
from tests.e2e.held_provider import HeldProvider
from tests.e2e.world import World, world_on
from tests.fixtures_kafka import Broker

pytestmark = [pytest.mark.slow, pytest.mark.kafka, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

PROVIDER = """
[providers.azure-eu]
name = "Azure OpenAI"
location = "Sweden"
residency = "EU"
transfer_mechanism = "none needed"
abuse_log_days = 0
[providers.elsewhere]
name = "Elsewhere"
location = "Switzerland"
residency = "CH"
transfer_mechanism = "adequacy"
abuse_log_days = 0
"""
FALLBACKS = '# fallbacks = ["azure-eu/gpt-4o-mini"]'


@dataclass
class Two:
    """Everything that is up, and the second provider."""

    world: World
    second: HeldProvider


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    """One installation for this module; egress has credentials for two of the three providers."""
    folder: Path = tmp_path_factory.mktemp("fallback")
    async with HeldProvider() as second:

        def changed(made: Installation) -> Installation:
            text = (folder / "policy.toml").read_text(encoding="utf-8") + PROVIDER
            assert FALLBACKS in text
            text = text.replace(FALLBACKS, 'fallbacks = ["elsewhere/gpt-ch", "azure-eu/gpt-eu"]')
            egress = made.settings.egress.model_copy(
                update={"max_attempts": 2, "providers": {"azure-eu": ProviderAccess(base_url=second.base_url)}}
            )
            return replace(made, policy=load_policy(text), settings=made.settings.model_copy(update={"egress": egress}))

        async with world_on(kafka, folder, changed) as world:
            yield Two(world, second)


async def test_the_second_provider_answers_when_the_first_has_no_quota(two: Two) -> None:
    """One answer, restored; completion, audit log and metrics name the model that gave it and its provider."""
    world = two.world
    world.provider.fail_next(429, code="insufficient_quota")
    answered = await world.ask()
    assert (answered.status, answered.code) == (Status.ANSWERED, Code.OK)
    assert "Maria Gonzalez" in (answered.text or "")
    assert (len(world.provider.received), len(two.second.received)) == (1, 1)
    (request,) = await world.records(Topic.REQUESTS)
    assert (request["provider"], request["model"]) == ("default", "gpt-4o-mini")
    assert request["fallbacks"] == [{"provider": "elsewhere", "model": "gpt-ch"}, {"provider": "azure-eu", "model": "gpt-eu"}]
    (completion,) = await world.wait_for(1, Topic.COMPLETIONS)
    assert (completion["provider"], completion["model"], completion["calls"]) == ("azure-eu", "gpt-eu", 2)
    events = await world.wait_for(2, Topic.AUDIT_EVENTS, fact="call_intended")
    assert [event["model"] for event in events] == ["gpt-4o-mini", "azure-eu/gpt-eu"]
    (event,) = await world.wait_for(1, Topic.AUDIT_EVENTS, fact="call_completed")
    assert (event["model"], event["counts"]["models_left"]) == ("azure-eu/gpt-eu", 1)
    metrics = world.running.metrics().decode()
    assert 'streamgate_fallbacks_total{model="gpt-4o-mini",reason="quota_spent"} 1.0' in metrics
    assert 'streamgate_fallbacks_total{model="elsewhere/gpt-ch",reason="no_credentials"} 1.0' in metrics
    assert 'streamgate_calls_total{code="ok",model="azure-eu/gpt-eu"} 1.0' in metrics


async def test_what_the_first_declines_the_second_never_sees(two: Two) -> None:
    """Nor what it was asked to answer for another purpose, which has no fallback."""
    world, before = two.world, len(two.second.received)
    world.provider.fail_next(400, code="content_filter")
    refused = await world.ask(subject="s-2")
    assert (refused.status, refused.code) == (Status.REFUSED, Code.PROVIDER_REFUSED)
    world.provider.fail_next(429, code="insufficient_quota")
    failed = await world.ask(subject="s-2", purpose="hr")
    assert (failed.status, failed.code) == (Status.FAILED, Code.PROVIDER_QUOTA_SPENT)
    assert len(two.second.received) == before


async def test_the_second_answers_while_the_first_is_down(two: Two) -> None:
    """Every prompt, in the time that a few failed calls take; no value that was found went to either, and the audit log verifies."""
    world = two.world
    await world.provider.__aexit__(None, None, None)
    for number in range(8):
        answered = await world.ask(subject=f"down-{number}")
        assert (answered.status, answered.code) == (Status.ANSWERED, Code.OK)
    assert not any(b"Maria" in body or b"maria.g" in body for body in (*world.provider.received, *two.second.received))
    metrics = world.running.metrics().decode()
    assert 'streamgate_fallbacks_total{model="gpt-4o-mini",reason="breaker_open"}' in metrics
    assert all(report.intact for report in (await world.audit()).values())

"""Who may have prompts held as files by the provider: what the policy says, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from streamgate.config import init, load_policy
from streamgate.consent import Policy
from streamgate.errors import Code, ConfigError
from streamgate.minimise import Envelope
from streamgate.pipeline._screen import Route, screen
from streamgate.rights import generate
from streamgate.types import Subject, Topic
from tests.fakes.pipeline import HORIZONS, POLICY, Vault, on

ALLOWED: Policy = replace(POLICY, purposes={**POLICY.purposes, "support": replace(POLICY.purposes["support"], batch=True)})


def routed(policy: Policy, *, batch: bool, deadline_ms: int | None = None) -> Route:
    """How a prompt that arrived at 0 is routed."""
    found = screen(Envelope("e", Subject("acme", "anna"), "support", 0, deadline_ms, None, None, None, batch), policy, 0)
    assert isinstance(found, Route)
    return found


def test_a_marked_prompt_has_a_day_and_no_longer() -> None:
    """A producer may want it earlier; one that is not marked keeps the deadlines of calls."""
    assert (routed(ALLOWED, batch=True).batch, routed(ALLOWED, batch=True).deadline_ms) == (True, 93_600_000)
    assert routed(ALLOWED, batch=True, deadline_ms=3_600_000).deadline_ms == 3_600_000
    assert routed(ALLOWED, batch=True, deadline_ms=10**9).deadline_ms == 93_600_000
    assert (routed(ALLOWED, batch=False).batch, routed(ALLOWED, batch=False).deadline_ms) == (False, 120_000)


def test_a_marked_prompt_of_another_purpose_is_refused() -> None:
    """It goes nowhere."""
    assert (routed(POLICY, batch=True).refusal, routed(POLICY, batch=True).batch) == (Code.BATCH_NOT_ALLOWED, False)


async def test_a_refused_prompt_gets_its_one_response() -> None:
    """And makes no request, in no lane."""
    it = Vault()
    effects = await it.handle(it.redact, it.prompt(batch=True))
    assert [response["code"] for response in on(effects, Topic.RESPONSES)] == ["batch_not_allowed"]
    assert not any(on(effects, topic) for topic in (Topic.REQUESTS, Topic.REQUESTS_BULK, Topic.REQUESTS_BATCH))


async def test_a_marked_prompt_becomes_a_request_for_a_batch() -> None:
    """With its late deadline, however it came, and it takes no room of its tenant's in the interactive lane."""
    it = Vault()
    stage = replace(it.redact, policy=ALLOWED)
    effects = await it.handle(stage, it.prompt(batch=True))
    (request,) = on(effects, Topic.REQUESTS_BATCH)
    assert request["deadline_at"] == it.clock.now_ms() + 93_600_000
    assert not on(effects, Topic.REQUESTS)
    assert not effects.outputs[0].settle


def test_the_policy_file_allows_it_by_purpose(tmp_path: Path) -> None:
    """Not by default; its deadline stays below what the topic keeps its records for."""
    init(tmp_path)
    text = (tmp_path / "policy.toml").read_text()
    assert not any(purpose.batch for purpose in load_policy(text).purposes.values())
    allowed = text.replace("# batch = true", "batch = true").replace("# batch_deadline", "batch_deadline")
    assert [name for name, purpose in load_policy(allowed).purposes.items() if purpose.batch] == ["support"]
    with pytest.raises(ConfigError, match="batch_deadline_seconds"):
        load_policy(allowed.replace("93600.0", "172801.0"))


def test_a_purpose_that_keeps_providers_from_keeping_allows_no_files(tmp_path: Path) -> None:
    """A file may stay for three days, should nobody come back to delete it."""
    init(tmp_path)
    text = (tmp_path / "policy.toml").read_text().replace("# batch = true", "batch = true\nmax_abuse_log_days = 2")
    with pytest.raises(ConfigError, match="may hold files for 3 days"):
        load_policy(text.replace("abuse_log_days = 30", "abuse_log_days = 0"))


def test_the_notice_says_who_holds_files_and_for_how_long() -> None:
    """Only where a purpose allows it."""
    assert "24 hours" not in generate(POLICY, {}, HORIZONS)
    notice = generate(ALLOWED, {}, replace(HORIZONS, batch_file_days=3))
    assert "For support, prompts marked for it are sent as files of many" in notice
    assert "files of batches with a provider" in notice
    assert "by themselves after 3 days, where the provider heeds it" in notice

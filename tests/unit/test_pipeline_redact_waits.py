"""Redact while something is missing: the detector, what is known of consents, a consent, a key."""

from __future__ import annotations

from dataclasses import replace

from streamgate.pipeline.ports.stage import Effects
from streamgate.telemetry import PartUnavailable
from streamgate.types import Topic
from tests.fakes.freshness import FakeFreshness
from tests.fakes.pipeline import NAME, Vault, on


def ending(effects: Effects, topic: str = "responses") -> tuple[str, str]:
    """Status and code of the one response."""
    (response,) = on(effects, topic)
    return response["status"], response["code"]


async def test_a_prompt_waits_while_the_detector_is_down() -> None:
    """It is let through when the detector is back, and masked."""
    it = Vault()
    it.detector.down = 3
    request = await it.accepted()
    assert len(it.sleeper.slept) == 3
    assert NAME not in request["messages"][-1]["content"]
    assert it.telemetry.of(PartUnavailable) == [
        *[PartUnavailable("detector", available=False)] * 3,
        PartUnavailable("detector", available=True),
    ]


async def test_a_detector_that_stays_down_refuses_the_prompt_at_its_deadline() -> None:
    """Nothing is passed unseen."""
    it = Vault()
    it.detector.down = 10**6
    began = it.clock.now_ms()
    effects = await it.handle(it.redact, it.prompt(deadline_ms=began + 3_000))
    assert ending(effects) == ("refused", "detector_unavailable")
    assert it.clock.now_ms() >= began + 3_000
    assert not on(effects, Topic.REQUESTS)


async def test_a_detector_that_answers_for_less_than_it_was_asked_refuses_the_prompt() -> None:
    """An answer that does not cover every text covers none."""
    it = Vault()
    it.detector.answers_with = []
    effects = await it.handle(it.redact, it.prompt())
    assert ending(effects) == ("refused", "detector_unavailable")


async def test_consent_is_needed_and_enough() -> None:
    """A grant that was read before the prompt lets it through; the request says up to where consents were known."""
    it = Vault()
    grant = it.consent("marketing", "grant")
    await it.handle(it.consents, grant)
    request = await it.accepted(it.prompt(purpose="marketing"))
    assert request["approved_consents_offset"] == grant.offset + 1


async def test_a_withdrawal_stops_the_next_prompt() -> None:
    """Its code says that the data subject has decided."""
    it = Vault()
    await it.handle(it.consents, it.consent(None, "withdraw"))
    assert ending(await it.handle(it.redact, it.prompt(purpose="hr"))) == ("refused", "consent_withdrawn")


async def test_a_prompt_waits_for_consents_up_to_its_own_arrival() -> None:
    """A purpose that needs consent is not refused for want of a grant that may be on its way."""
    it = Vault()
    began = it.clock.now_ms()
    it.freshness.until_ms = began - 1
    effects = await it.handle(it.redact, it.prompt(purpose="marketing"))
    assert ending(effects) == ("failed", "deadline_exceeded")
    assert it.clock.now_ms() == began + 120_000
    assert {wanted >= began for _, wanted, _ in it.freshness.waits} == {True}


async def test_knowledge_that_came_late_must_be_recent_when_it_comes() -> None:
    """Consents were known up to the prompt's arrival, but only now, minutes later: what was said since is asked for again."""
    it = Vault()
    await it.handle(it.consents, it.consent("marketing", "grant"))
    began = it.clock.now_ms()
    it.freshness.until_ms = began - 1

    class Late(FakeFreshness):
        async def wait(self, partition: int, not_before_ms: int, timeout_seconds: float) -> bool:
            self.waits.append((partition, not_before_ms, timeout_seconds))
            it.clock.advance(50)
            self.until_ms = began if len(self.waits) == 1 else it.clock.now_ms()
            return True

    late = Late(began - 1)
    effects = await it.handle(replace(it.redact, freshness=late), it.prompt(purpose="marketing"))
    assert len(on(effects, Topic.REQUESTS)) == 1
    assert [wanted - began for _, wanted, _ in late.waits] == [0, 48_000]


async def test_consents_that_are_two_seconds_old_are_fresh_enough_for_other_bases() -> None:
    """And older ones are not."""
    it = Vault()
    it.freshness.until_ms = it.clock.now_ms() - 2_000
    await it.accepted()
    it.freshness.until_ms -= 1
    effects = await it.handle(it.redact, it.prompt(event_id="event-2"))
    assert ending(effects) == ("failed", "deadline_exceeded")


async def test_a_key_that_does_not_open_refuses_the_prompt() -> None:
    """A destroyed epoch of the key-encryption key makes the subject's key unreadable."""
    it = Vault()
    await it.accepted()
    it.kms.rotate()
    it.kms.destroy_epoch(1)
    it.desk.keys.evict(it.digest)
    effects = await it.handle(it.redact, it.prompt(event_id="event-2"))
    assert ending(effects) == ("refused", "key_unavailable")

"""The gate: consent at the moment of use, as far as vault has told."""

from __future__ import annotations

import pytest

from streamgate.errors import Code
from streamgate.pipeline._gate import LOOK_AGAIN_SECONDS
from tests.fakes.egress import REFERENCE, Egress


async def test_a_fresh_watermark_and_nothing_forbidden_let_a_request_pass() -> None:
    """Without waiting."""
    it = Egress()
    assert await it.gate.pass_or_code(0, it.request()) is Code.OK
    assert not it.standing.waits


async def test_without_a_watermark_a_request_waits() -> None:
    """And passes as soon as there is one."""
    it = Egress()
    it.standing.watermarks.clear()
    it.standing.then.extend([lambda: None, lambda: None, it.standing.mark])
    assert await it.gate.pass_or_code(0, it.request()) is Code.OK
    assert it.standing.waits == [LOOK_AGAIN_SECONDS] * 3


async def test_a_watermark_of_another_partition_says_nothing() -> None:
    """Each partition of vault is read by itself."""
    it = Egress()
    it.standing.watermarks.clear()
    it.standing.mark(partition=1)
    assert await it.gate.pass_or_code(0, it.request()) is Code.DEADLINE_EXCEEDED


async def test_a_watermark_of_two_seconds_ago_is_stale() -> None:
    """A request waits for a newer one; one of a millisecond less is enough."""
    it = Egress()
    it.clock.advance(1.999)
    assert await it.gate.pass_or_code(0, it.request()) is Code.OK
    it.clock.advance(0.001)
    it.standing.then.append(it.standing.mark)
    assert await it.gate.pass_or_code(0, it.request()) is Code.OK
    assert len(it.standing.waits) == 1


async def test_a_watermark_that_never_comes_ends_at_the_deadline() -> None:
    """Vault is down: nothing goes out."""
    it = Egress()
    it.standing.watermarks.clear()
    request = it.request()
    assert await it.gate.pass_or_code(0, request) is Code.DEADLINE_EXCEEDED
    assert it.clock.now_ms() >= request["deadline_at"]


@pytest.mark.parametrize(
    ("forbidden_at", "code"), [(4, Code.OK), (5, Code.OK), (6, Code.CONSENT_WITHDRAWN), (2**62, Code.CONSENT_WITHDRAWN)]
)
async def test_what_was_forbidden_after_the_approval_does_not_pass(forbidden_at: int, code: Code) -> None:
    """The request was approved knowing consents up to offset 5."""
    it = Egress()
    it.standing.forbid(0, REFERENCE, "support", forbidden_at)
    assert await it.gate.pass_or_code(0, it.request()) is code


async def test_what_is_forbidden_for_every_purpose_does_not_pass() -> None:
    """As an erasure leaves it."""
    it = Egress()
    it.standing.forbid(0, REFERENCE, None, 2**62)
    assert await it.gate.pass_or_code(0, it.request()) is Code.CONSENT_WITHDRAWN


async def test_what_is_forbidden_for_another_purpose_or_reference_passes() -> None:
    """A withdrawal is as specific as it was made."""
    it = Egress()
    it.standing.forbid(0, REFERENCE, "hr", 9)
    it.standing.forbid(0, bytes(16), "support", 9)
    it.standing.forbid(1, REFERENCE, "support", 9)
    assert await it.gate.pass_or_code(0, it.request()) is Code.OK


async def test_a_withdrawal_while_waiting_is_seen() -> None:
    """Before the watermark that would have let it pass."""
    it = Egress()
    it.standing.watermarks.clear()
    it.standing.then.extend([lambda: it.standing.forbid(0, REFERENCE, "support", 6), it.standing.mark])
    assert await it.gate.pass_or_code(0, it.request()) is Code.CONSENT_WITHDRAWN

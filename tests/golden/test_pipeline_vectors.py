"""Golden vectors of the roles' own persisted forms, beside those of ended outcomes in ``test_published_bytes``."""

from __future__ import annotations

import pytest

from streamgate.errors import Code, SealBroken, Status
from streamgate.pipeline._context import RequestContext
from streamgate.pipeline._egress_state import EgressState
from streamgate.pipeline._outcome import Outcome, Phase, Source
from streamgate.provider import SpendAccount, Spent, day_from

OPEN = Outcome(
    phase=Phase.OPEN,
    tenant="acme",
    subject_id="Jürgen",
    event_id="e-1",
    purpose="support",
    basis="contract",
    reply_topic="responses",
    model="gpt-4o-mini",
    incarnation=2,
    digest="ab",
    arrived_ms=1_750_000_000_000,
    deadline_ms=1_750_000_120_000,
    opened_by=Source("prompts", 7),
    request_id="00ff",
    traceparent="00-1-2-01",
)
OPENED = (
    b'\x01{"arrived_ms":1750000000000,"basis":"contract","code":"ok","deadline_ms":1750000120000,"decided_by":null,"decided_ms":0,'
    b'"digest":"ab","event_id":"e-1","incarnation":2,"model":"gpt-4o-mini","opened_by":{"offset":7,"topic":"prompts"},"phase":"open",'
    b'"purpose":"support","reply_topic":"responses","request_id":"00ff","response_offset":null,"status":null,'
    b'"subject_id":"J\xc3\xbcrgen","tenant":"acme","traceparent":"00-1-2-01"}'
)
DECIDED = (
    b'\x01{"arrived_ms":1750000000000,"basis":"contract","code":"no_consent","deadline_ms":1750000120000,'
    b'"decided_by":{"offset":9,"topic":"completions"},"decided_ms":5,'
    b'"digest":"ab","event_id":"e-1","incarnation":2,"model":"gpt-4o-mini","opened_by":{"offset":7,"topic":"prompts"},"phase":"decided",'
    b'"purpose":"support","reply_topic":"responses","request_id":"00ff","response_offset":null,"status":"refused",'
    b'"subject_id":"J\xc3\xbcrgen","tenant":"acme","traceparent":"00-1-2-01"}'
)
VECTORS = [(OPEN, OPENED), (OPEN.decided(Status.REFUSED, Code.NO_CONSENT, Source("completions", 9), 5), DECIDED)]
CONTEXT = RequestContext("e-1", "Jürgen", b"\x00\xff", {"b": "2", "a": "ß"})
CONTEXT_BYTES = b'\x01{"carried":{"a":"\xc3\x9f","b":"2"},"event_id":"e-1","subject_id":"J\xc3\xbcrgen","token_map":"AP8="}'

SPENT = Spent(3, 4, 1, 1_700_000_000_000, 30, 12_000_325_000_001)
SPENT_BYTES = "010000000000000003000000000000000400000000000000010000018bcfe56800000000000000001e000000000000000000000aea0b1bdb41"


@pytest.mark.parametrize(("outcome", "data"), VECTORS)
def test_an_outcome_keeps_its_bytes_in_every_phase(outcome: Outcome, data: bytes) -> None:
    """Version byte, then JSON with sorted keys; both directions."""
    assert outcome.to_bytes() == data
    assert Outcome.from_bytes(data) == outcome


def test_a_forgotten_outcome_names_nobody() -> None:
    """What an erasure leaves of it."""
    data = OPEN.decided(Status.REFUSED, Code.SUBJECT_ERASED, Source("subject-requests", 1), 5).settled(3).forget().to_bytes()
    assert not [word for word in ("Jürgen", "e-1", "00ff", "00-1-2-01") if word.encode() in data]
    assert Outcome.from_bytes(data).forgotten


def test_a_request_context_keeps_its_bytes() -> None:
    """Version byte, then JSON with sorted keys, the token map in base64; both directions."""
    assert CONTEXT.to_bytes() == CONTEXT_BYTES
    assert RequestContext.from_bytes(CONTEXT_BYTES) == CONTEXT


@pytest.mark.parametrize("data", [b"", b"\x02{}", b"{}"])
def test_an_unknown_version_is_not_read(data: bytes) -> None:
    """Neither as an outcome nor as a context."""
    with pytest.raises(SealBroken):
        Outcome.from_bytes(data)
    with pytest.raises(SealBroken):
        RequestContext.from_bytes(data)


def test_a_sum_of_money_keeps_its_bytes() -> None:
    """Day, account; version byte, five counts and the amount, big-endian; both directions."""
    key, value = EgressState.spent(SpendAccount("acme", "support", "USD", day_from("2026-11-30"))), bytes.fromhex(SPENT_BYTES)
    assert key == b"M\x00\x00\x51\x33acme\x1fsupport\x1fUSD\x1f2026-11-30"
    assert EgressState.spent_value(SPENT) == value
    assert EgressState.spent_from(value) == SPENT


@pytest.mark.parametrize("data", [b"", bytes(57), b"\x02" + bytes(56)])
def test_a_sum_of_an_unknown_version_is_not_read(data: bytes) -> None:
    """Nor one of another size."""
    with pytest.raises(ValueError, match="unknown version or size"):
        EgressState.spent_from(data)

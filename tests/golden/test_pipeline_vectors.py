"""Golden vectors of vault's own persisted forms in every phase, beside those of ended outcomes in ``test_published_bytes``."""

from __future__ import annotations

import pytest

from streamgate.errors import Code, SealBroken, Status
from streamgate.pipeline._context import RequestContext
from streamgate.pipeline._home import home_and_rest, home_of_subject, with_home
from streamgate.pipeline._outcome import Outcome, Phase, Source
from streamgate.types import Subject

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
MOVED = (
    b'\x02{"arrived_ms":1750000000000,"basis":"contract","code":"ok","deadline_ms":1750000120000,'
    b'"decided_by":{"offset":-1,"topic":"completions"},"decided_ms":5,'
    b'"digest":"ab","event_id":"e-1","incarnation":2,"model":"gpt-4o-mini","opened_by":{"offset":-1,"topic":"prompts"},"phase":"settled",'
    b'"purpose":"support","reply_topic":"responses","request_id":"00ff","response_offset":3,"response_partition":2,"status":"answered",'
    b'"subject_id":"J\xc3\xbcrgen","tenant":"acme","traceparent":"00-1-2-01"}'
)
HOUSED = bytes.fromhex("8029bc80ac") + b"\x01row"
VECTORS = [(OPEN, OPENED), (OPEN.decided(Status.REFUSED, Code.NO_CONSENT, Source("completions", 9), 5), DECIDED)]
CONTEXT = RequestContext("e-1", "Jürgen", b"\x00\xff", {"b": "2", "a": "ß"})
CONTEXT_BYTES = b'\x01{"carried":{"a":"\xc3\x9f","b":"2"},"event_id":"e-1","subject_id":"J\xc3\xbcrgen","token_map":"AP8="}'


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


@pytest.mark.parametrize(("data", "of_context"), [(b"", b""), (b"\x03{}", b"\x02{}"), (b"{}", b"{}")])
def test_an_unknown_version_is_not_read(data: bytes, of_context: bytes) -> None:
    """Neither as an outcome nor as a context."""
    with pytest.raises(SealBroken):
        Outcome.from_bytes(data)
    with pytest.raises(SealBroken):
        RequestContext.from_bytes(of_context)


def test_a_moved_outcome_keeps_its_bytes() -> None:
    """It names the partition of its response, and no offset of a record that was read; answered anew, it is as any other."""
    settled = OPEN.decided(Status.ANSWERED, Code.OK, Source("completions", 9), 5).settled(3)
    moved = settled.moved(2)
    assert moved.to_bytes() == MOVED
    assert Outcome.from_bytes(MOVED) == moved == moved.moved(1)
    assert moved.settled(4).to_bytes()[:1] == settled.to_bytes()[:1] == b"\x01"


def test_a_row_keeps_the_bytes_of_its_home() -> None:
    """0x80, murmur2 of the record key as Kafka's Java client computes it, made positive, and the row's own form."""
    assert with_home(home_of_subject(Subject("acme", "Jürgen")), b"\x01row") == HOUSED
    assert home_and_rest(HOUSED) == (home_of_subject(Subject("acme", "Jürgen")), b"\x01row")
    assert home_and_rest(b"\x01row") == (None, b"\x01row")
    with pytest.raises(SealBroken):
        home_and_rest(HOUSED[:4])

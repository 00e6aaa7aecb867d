"""Golden vectors of the roles' own persisted forms, beside those of ended outcomes in ``test_published_bytes``."""

from __future__ import annotations

import hmac

import pytest

from streamgate.errors import Code, SealBroken, Status
from streamgate.pipeline._context import RequestContext
from streamgate.pipeline._egress_state import EgressState
from streamgate.pipeline._home import home_and_rest, home_of_subject, with_home
from streamgate.pipeline._letters import proof_of
from streamgate.pipeline._original import Original, letter_aad
from streamgate.pipeline._outcome import Outcome, Phase, Source
from streamgate.pipeline._vaultstate import VaultState
from streamgate.pipeline.operator_requests import reply_aad
from streamgate.provider import SpendAccount, Spent, day_from
from streamgate.types import Subject
from streamgate.vault import StateSealer
from tests.fakes.kms import FakeKms
from tests.fakes.state import FakeState

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

ORIGINAL = Original(b"acme\x1fanna", b"\xc3\x01", (("a", None), ("ß", b"")))
ORIGINAL_BYTES = (
    b"\x01\x00\x00\x00\x09acme\x1fanna\x00\x00\x00\x02\xc3\x01\x00\x00\x00\x01a\xff\xff\xff\xff\x00\x00\x00\x02\xc3\x9f\x00\x00\x00\x00"
)
EMPTY_BYTES = b"\x01\xff\xff\xff\xff\xff\xff\xff\xff"
LETTER = {
    "code": "undecodable",
    "role": "vault",
    "topic": "prompts",
    "source_partition": 2,
    "source_offset": 17,
    "at": -1,
    "lettered_at": 1_750_000_000_000,
    "reference": None,
    "size_bytes": 2,
    "epoch": 1,
    "sealed": b"\x01",
}
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


@pytest.mark.parametrize(("data", "of_context"), [(b"", b""), (b"\x03{}", b"\x02{}"), (b"{}", b"{}")])
def test_an_unknown_version_is_not_read(data: bytes, of_context: bytes) -> None:
    """Neither as an outcome nor as a context."""
    with pytest.raises(SealBroken):
        Outcome.from_bytes(data)
    with pytest.raises(SealBroken):
        RequestContext.from_bytes(of_context)


def test_an_original_keeps_its_bytes() -> None:
    """Version, key, value, then names and values of headers, each after its length; both directions."""
    assert ORIGINAL.to_bytes() == ORIGINAL_BYTES
    assert Original.from_bytes(ORIGINAL_BYTES) == ORIGINAL
    assert Original(None, None).to_bytes() == EMPTY_BYTES


def test_a_replayed_record_keeps_the_form_of_its_headers() -> None:
    """Decimal numbers; the letter's place as commands take it."""
    assert ORIGINAL.replayed("2@40", 17)[-2:] == (("streamgate-letter", b"2@40"), ("ß", b""))
    assert ORIGINAL.replayed("2@40", 17)[1] == ("streamgate-first-offset", b"17")
    assert letter_aad("prompts", 2, 17) == b"prompts\x1f2\x1f17"
    assert reply_aad({"request_id": "ab", "letter_partition": 2, "letter_offset": 40}) == b"ab\x1f2\x1f40"


def test_the_proof_of_a_letter_agrees_with_hmac_by_hand() -> None:
    """Every field after its type and length, under the key of state digests; so does the key of the row that says it was replayed."""
    kms = FakeKms()
    digest_key = kms.derive(b"streamgate/v1/state/digest")

    def mac(*parts: bytes) -> bytes:
        return hmac.digest(digest_key, b"".join(len(part).to_bytes(4, "big") + part for part in parts), "sha256")[:16]

    def number(value: int) -> bytes:
        return value.to_bytes(8, "big", signed=True)

    numbers = [b"i" + number(value) for value in (2, 17, -1, 1_750_000_000_000)]
    by_hand = mac(b"letter", b"sundecodable", b"svault", b"sprompts", *numbers, b"n", b"i" + number(2), b"i" + number(1), b"b\x01")
    assert proof_of(StateSealer(kms), LETTER) == by_hand
    key = VaultState(FakeState(), StateSealer(kms)).replay_key("prompts", 2, 17, -1)
    assert key == b"L" + mac(b"original", b"prompts", number(2), number(17), number(-1))


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


def test_a_sum_of_money_keeps_its_bytes() -> None:
    """Day, account; version byte, five counts and the amount, big-endian; both directions."""
    key, value = EgressState.spent(SpendAccount("acme", "support", "USD", day_from("2026-11-30"))), bytes.fromhex(SPENT_BYTES)
    assert key == b"S\x00\x00\x51\x33acme\x1fsupport\x1fUSD\x1f2026-11-30"
    assert EgressState.spent_value(SPENT) == value
    assert EgressState.spent_from(value) == SPENT


@pytest.mark.parametrize("data", [b"", bytes(57), b"\x02" + bytes(56)])
def test_a_sum_of_an_unknown_version_is_not_read(data: bytes) -> None:
    """Nor one of another size."""
    with pytest.raises(ValueError, match="unknown version or size"):
        EgressState.spent_from(data)

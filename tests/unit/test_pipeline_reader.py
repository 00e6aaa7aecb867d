"""What is down is waited for: neither a consent nor an erasure is given up because a part does not answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from streamgate.codec import Decoder, parse_frame
from streamgate.errors import Code, Unavailable, Unreadable
from streamgate.pipeline._reader import REGISTRY_WAIT_SECONDS, Reader
from streamgate.types import Inbound, Topic
from tests.fakes.effects import FakeClock, FakeSleeper
from tests.fakes.freshness import FakeFreshness
from tests.fakes.pipeline import Vault, facts, schemas


class FlakyRegistry:
    """Implements ``streamgate.codec.RegistryClient``; fails a number of times first."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    async def schema_text(self, schema_id: int) -> str:
        assert schema_id == 7
        if self.failures:
            self.failures -= 1
            raise Unavailable(Code.UNKNOWN_SCHEMA, "the registry is down")
        return json.dumps(schemas().latest(Topic.CONSENTS).definition)


def reader(failures: int) -> Reader:
    clock = FakeClock()
    return Reader(Decoder(schemas(), FlakyRegistry(failures)), clock, FakeSleeper(clock), 1)


def confluent(record: Inbound) -> Inbound:
    """The same record in the Confluent wire format, under schema id 7."""
    return replace(record, value=b"\x00\x00\x00\x00\x07" + bytes(parse_frame(record.value).payload))


async def test_a_registry_that_is_down_is_asked_again() -> None:
    """A withdrawal written against it is read when it is back."""
    record = Vault().consent("hr", "withdraw")
    subject, fields = await reader(5).read_of_subject(Topic.CONSENTS, confluent(record))
    assert (subject.subject_id, fields["decision"]) == ("anna", "withdraw")


async def test_a_registry_that_stays_down_does_not_hold_up_its_partition_for_ever() -> None:
    """After ten minutes the record counts as one of an unknown schema."""
    patient = reader(10**6)
    began = patient.clock.monotonic()
    with pytest.raises(Unreadable) as caught:
        await patient.read(Topic.CONSENTS, confluent(Vault().consent("hr", "withdraw")))
    assert caught.value.code is Code.UNKNOWN_SCHEMA
    assert patient.clock.monotonic() - began >= REGISTRY_WAIT_SECONDS


class EndsLater(FakeFreshness):
    """A broker that does not say where its topics end, for a while."""

    def __init__(self) -> None:
        super().__init__(read_until_ms=2**60)
        self.failures = 3

    async def input_ends(self, partition: int) -> Mapping[str, int]:
        if self.failures:
            self.failures -= 1
            raise Unavailable(Code.INTERNAL_ERROR, "the broker does not say")
        return await super().input_ends(partition)


async def test_an_erasure_waits_for_the_ends_of_its_fence() -> None:
    """It is carried out when the broker is back."""
    it = Vault()
    await it.accepted()
    effects = await it.handle(replace(it.requests, freshness=EndsLater()), it.request("erase"))
    assert "subject_erased" in facts(effects)
    assert len(it.sleeper.slept) == 3

"""Appending to a chain, and its head."""

from __future__ import annotations

import json
from pathlib import Path

import fastavro
import pytest

from streamgate.audit import GENESIS, Chain, ChainHead
from tests.fakes.signer import FakeSigner

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "audit" / "v1.avsc").read_text())


def test_an_entry_has_exactly_the_schemas_fields() -> None:
    """What ``append`` returns is a valid datum of the schema."""
    entry = Chain.start(None).append(b"event", 0, FakeSigner())
    assert entry is not None
    assert list(entry) == [field["name"] for field in SCHEMA["fields"]]
    assert fastavro.validate(entry, fastavro.parse_schema(SCHEMA))


def test_entries_are_linked_and_numbered_without_a_hole() -> None:
    """Sequences count from 0 although offsets have holes, and each entry names the hash of the one before."""
    chain, signer = Chain.start(None), FakeSigner()
    first, second = chain.append(b"a", 3, signer), chain.append(b"b", 9, signer)
    assert first is not None
    assert second is not None
    assert (first["sequence"], second["sequence"]) == (0, 1)
    assert first["previous"] == GENESIS
    assert second["previous"] == first["hash"]
    assert chain.head == ChainHead(1, 9, second["hash"])


@pytest.mark.parametrize("offset", [0, 6, 7])
def test_a_redelivered_event_is_skipped(offset: int) -> None:
    """An offset at or before the head's makes no entry and leaves the head where it is."""
    chain, signer = Chain.start(None), FakeSigner()
    chain.append(b"a", 7, signer)
    head = chain.head
    assert chain.append(b"a", offset, signer) is None
    assert chain.head == head


def test_a_chain_goes_on_from_its_stored_head() -> None:
    """Stopping and starting anew gives the same entries as going on."""
    signer = FakeSigner()
    whole = Chain.start(None)
    whole.append(b"a", 1, signer)
    head = whole.head
    assert head is not None
    resumed = Chain.start(ChainHead.from_bytes(head.to_bytes()))
    assert resumed.append(b"b", 2, signer) == whole.append(b"b", 2, signer)


def test_a_negative_offset_is_a_mistake_of_the_caller() -> None:
    """It cannot be hashed."""
    with pytest.raises(ValueError, match="not negative"):
        Chain.start(None).append(b"a", -1, FakeSigner())


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02" + bytes(48), bytes(49), b"\x01" + bytes(49)])
def test_a_head_of_another_version_or_size_is_refused(data: bytes) -> None:
    """A head row is never guessed at."""
    with pytest.raises(ValueError, match="unknown version or size"):
        ChainHead.from_bytes(data)

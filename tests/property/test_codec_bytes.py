"""Any bytes: accepted, or our own error."""

from __future__ import annotations

import asyncio
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.client import Prompt
from streamgate.codec import Decoder, SchemaSet, encode, packaged_schemas
from streamgate.errors import Unreadable

SCHEMAS: Final = SchemaSet.load(packaged_schemas())
SCHEMA: Final = SCHEMAS.latest("prompts")
DECODER: Final = Decoder(SCHEMAS, None)
GOOD: Final = encode(SCHEMA, Prompt(tenant="acme", subject="s", purpose="support", messages=[("user", "hé")]).record(5))


def crc64_avro(data: bytes) -> bytes:
    """CRC-64-AVRO as the Avro specification writes it, little-endian."""
    empty = 0xC15D213AA4D7A795
    table = []
    for index in range(256):
        value = index
        for _ in range(8):
            value = (value >> 1) ^ (empty & -(value & 1))
        table.append(value)
    result = empty
    for byte in data:
        result = (result >> 8) ^ table[(result ^ byte) & 0xFF]
    return result.to_bytes(8, "little")


def test_fingerprints_are_those_of_the_specification() -> None:
    """The fingerprint of the type "int" is the specification's, by an independent implementation, and frames begin with ours."""
    assert crc64_avro(b'"int"') == bytes.fromhex("8f5c393f1ad57572")
    assert GOOD[:2] == b"\xc3\x01"
    assert GOOD[2:10] == SCHEMA.fingerprint


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120) | st.binary(max_size=60).map(lambda tail: GOOD[:10] + tail))
def test_any_bytes_are_accepted_or_unreadable(data: bytes) -> None:
    """No bytes make the decoder raise anything but ``Unreadable``."""
    try:
        asyncio.run(DECODER.decode("prompts", data))
    except Unreadable:
        return


@settings(max_examples=300, deadline=None)
@given(st.integers(10, len(GOOD) - 1), st.integers(0, 255))
def test_one_changed_byte_is_accepted_or_unreadable(place: int, value: int) -> None:
    """A record with any one byte changed decodes, or is unreadable."""
    data = GOOD[:place] + bytes([value]) + GOOD[place + 1 :]
    try:
        asyncio.run(DECODER.decode("prompts", data))
    except Unreadable:
        return


@given(st.text(max_size=50), st.sampled_from(["user", "system", "assistant", "tool"]))
def test_what_is_encoded_is_decoded(text: str, role: str) -> None:
    """A prompt comes back as it was written."""
    record = Prompt(tenant="acme", subject="s", purpose="support", messages=[(role, text)]).record(7)  # type: ignore[list-item]
    assert SCHEMA.decode(SCHEMA.encode(record)) == record

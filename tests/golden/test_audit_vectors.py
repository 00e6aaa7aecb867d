"""Golden vectors of the audit chain. A change here is a change of the persisted format and needs a new version beside the old one."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from streamgate.audit import Chain, ChainHead, entry_hash, write_checkpoint
from tests.fakes.signer import FakeSigner

PUBLIC_KEY = bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
KEY_ID = "56475aa75463474c"
FIRST_HASH = "e3024b6fb241a251812fe97858764d638e6a99895c9a4d950c7601883f77cc0c"
FIRST_SIGNATURE = (
    "8c2f5e18a7d310173b0c80bbc04c0730e178980745a73614436cc2704df4ec9ee852c4f6f80c639a45ca8f7d91acf876e20cdbb03114bf17301f35c6d85f3400"
)
SECOND_HASH = "ebfb7c7a17917c9e18e5edb8f4d3d1ad5e7d7a9552ec38b72c3d576e0cd90542"
SECOND_SIGNATURE = (
    "933ab2ca229ca8fbf5c0292862550dd8bca0182c446e47dcbae55c68041e4934c8dfa854f3ab04741c19377dd5aaaba66c8776a8324ba028bac9e709e9139a03"
)
HEAD_ROW = "0100000000000000010000000000000009" + SECOND_HASH


def written_from_the_grammar(sequence: int, source_offset: int, previous: bytes, event: bytes) -> str:
    """The hash as DESIGN.md states it, without the code under test."""
    digest = hashlib.new("sha256")
    digest.update("streamgate.audit.entry.v1".encode("ascii") + b"\0")
    for number in (sequence, source_offset):
        digest.update(number.to_bytes(8, "big"))
    for text in (previous, event):
        digest.update(len(text).to_bytes(4, "big"))
        digest.update(text)
    return digest.hexdigest()


def test_the_entry_hash_is_the_grammars() -> None:
    """Code, a second implementation and the recorded vector agree."""
    assert entry_hash(0, 7, bytes(32), b"first event").hex() == FIRST_HASH == written_from_the_grammar(0, 7, bytes(32), b"first event")
    second = written_from_the_grammar(1, 9, bytes.fromhex(FIRST_HASH), b"")
    assert entry_hash(1, 9, bytes.fromhex(FIRST_HASH), b"").hex() == SECOND_HASH == second


def test_entries_and_signatures_are_as_recorded() -> None:
    """RFC 8032 signatures are deterministic; the recorded ones verify under the recorded public key."""
    chain, signer = Chain.start(None), FakeSigner()
    first, second = chain.append(b"first event", 7, signer), chain.append(b"", 9, signer)
    assert first is not None
    assert second is not None
    assert (first["key_id"], first["hash"].hex(), first["signature"].hex()) == (KEY_ID, FIRST_HASH, FIRST_SIGNATURE)
    assert (second["hash"].hex(), second["signature"].hex()) == (SECOND_HASH, SECOND_SIGNATURE)
    public_key = Ed25519PublicKey.from_public_bytes(PUBLIC_KEY)
    public_key.verify(bytes.fromhex(FIRST_SIGNATURE), bytes.fromhex(FIRST_HASH))
    public_key.verify(bytes.fromhex(SECOND_SIGNATURE), bytes.fromhex(SECOND_HASH))


def test_the_head_row_is_as_recorded() -> None:
    """Version, sequence, source offset, hash."""
    head = ChainHead(1, 9, bytes.fromhex(SECOND_HASH))
    assert head.to_bytes().hex() == HEAD_ROW
    assert ChainHead.from_bytes(bytes.fromhex(HEAD_ROW)) == head


def test_the_checkpoint_is_as_recorded() -> None:
    """The text that auditors keep."""
    text = write_checkpoint({2: ChainHead(1, 9, bytes.fromhex(SECOND_HASH))})
    assert text == (
        '{\n  "version": 1,\n  "heads": {\n    "2": {\n'
        f'      "hash": "{SECOND_HASH}",\n      "sequence": 1,\n      "source_offset": 9\n'
        "    }\n  }\n}\n"
    )

"""Subject keys: minted once, opened only as the very same row."""

from __future__ import annotations

import pytest

from streamgate.errors import SealBroken
from streamgate.vault import StateSealer, SubjectKey, sealed_key_id
from tests.fakes.effects import SeededEntropy
from tests.fakes.kms import FakeKms
from tests.fakes.vault import aad_of, keys_of


def test_an_opened_key_is_the_minted_one() -> None:
    """It opens what the other sealed, and names the same key id."""
    kms = FakeKms()
    minted, wrapped = SubjectKey.mint(SeededEntropy(), kms, b"digest", 1)
    opened = SubjectKey.open(kms, wrapped, minted.key_id, b"digest", 1)
    blob = minted.for_purpose("support").seal(b"value", aad_of())
    assert opened.for_purpose("support").open(blob, aad_of()) == b"value"
    assert sealed_key_id(blob) == minted.key_id == opened.key_id


@pytest.mark.parametrize(("key_id", "digest", "incarnation"), [(b"12345678", b"digest", 1), (None, b"other", 1), (None, b"digest", 2)])
def test_a_wrapped_key_does_not_open_as_another_row(key_id: bytes | None, digest: bytes, incarnation: int) -> None:
    """Key id, subject and incarnation are bound."""
    kms = FakeKms()
    minted, wrapped = SubjectKey.mint(SeededEntropy(), kms, b"digest", 1)
    with pytest.raises(SealBroken):
        SubjectKey.open(kms, wrapped, key_id or minted.key_id, digest, incarnation)


def test_a_destroyed_epoch_takes_the_subject_keys_with_it_and_leaves_state_digests() -> None:
    """Erasure by epoch, and a state table that can still be found."""
    kms = FakeKms()
    minted, wrapped = SubjectKey.mint(SeededEntropy(), kms, b"digest", 1)
    before = StateSealer(kms).digest(b"subject", b"acme", b"customer")
    kms.rotate()
    assert SubjectKey.open(kms, wrapped, minted.key_id, b"digest", 1).key_id == minted.key_id
    kms.destroy_epoch(1)
    with pytest.raises(SealBroken):
        SubjectKey.open(kms, wrapped, minted.key_id, b"digest", 1)
    assert StateSealer(kms).digest(b"subject", b"acme", b"customer") == before


def test_a_pseudonym_is_short_readable_and_bound_to_path_subject_and_purpose() -> None:
    """Equal values at one place are equal, and nothing else is."""
    pseudonym = keys_of().pseudonym("context.account_id", "4711")
    assert pseudonym.startswith("account_id-")
    assert pseudonym == keys_of().pseudonym("context.account_id", "4711")
    others = [
        keys_of().pseudonym("context.account_id", "4712"),
        keys_of().pseudonym("order.account_id", "4711"),
        keys_of("other").pseudonym("context.account_id", "4711"),
        keys_of(purpose="marketing").pseudonym("context.account_id", "4711"),
    ]
    assert len({pseudonym, *others}) == 5
    assert keys_of().masker().plain(pseudonym).text == pseudonym


def test_a_path_without_a_name_still_gets_a_pseudonym() -> None:
    """Array markers are no part of a name."""
    assert keys_of().pseudonym("messages[].tool_call_id[]", "x").startswith("tool_call_id-")
    assert keys_of().pseudonym("", "x").startswith("id-")


def test_the_safety_identifier_fits_and_cannot_be_linked() -> None:
    """At most 64 characters; another one for each subject and purpose."""
    identifiers = {keys.safety_identifier() for keys in (keys_of(), keys_of("other"), keys_of(purpose="marketing"))}
    assert len(identifiers) == 3
    assert all(len(identifier) <= 64 for identifier in identifiers)


def test_content_digests_are_keyed_per_subject_and_purpose() -> None:
    """Equal content of two subjects has two digests."""
    digests = {keys.content_digest(b"content") for keys in (keys_of(), keys_of("other"), keys_of(purpose="marketing"))}
    assert len(digests) == 3

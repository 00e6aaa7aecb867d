"""What every KMS does: the key file and the fake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from streamgate.adapters.key_file import KeyFile
from streamgate.errors import SealBroken
from streamgate.vault import Kms
from tests.fakes.kms import FakeKms

PLAIN = bytes(range(32))


class OnFile:
    """A key file through its life."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "keys.json"
        self.kms: Kms = KeyFile.create(self.path)

    def rotate(self) -> None:
        self.kms = KeyFile.rotate(self.path)

    def destroy(self, epoch: int) -> None:
        self.kms = KeyFile.destroy_epoch(self.path, epoch)


class InMemory:
    """The fake through its life."""

    def __init__(self, directory: Path) -> None:
        self.fake = FakeKms(str(directory))
        self.kms: Kms = self.fake

    def rotate(self) -> None:
        self.fake.rotate()

    def destroy(self, epoch: int) -> None:
        self.fake.destroy_epoch(epoch)


@pytest.fixture(params=[OnFile, InMemory])
def life(request: pytest.FixtureRequest, tmp_path: Path) -> OnFile | InMemory:
    """One implementation."""
    make: Callable[[Path], OnFile | InMemory] = request.param
    return make(tmp_path)


def test_what_was_wrapped_unwraps(life: OnFile | InMemory) -> None:
    """With the same AAD, and the blob does not hold the key."""
    blob = life.kms.wrap(PLAIN, b"aad")
    assert life.kms.unwrap(blob, b"aad") == PLAIN
    assert PLAIN not in blob


def test_another_aad_does_not_unwrap(life: OnFile | InMemory) -> None:
    """A wrapped key belongs to one row."""
    with pytest.raises(SealBroken):
        life.kms.unwrap(life.kms.wrap(PLAIN, b"aad"), b"other")


def test_every_altered_or_missing_byte_is_noticed(life: OnFile | InMemory) -> None:
    """At every position, of version and epoch too."""
    blob = life.kms.wrap(PLAIN, b"aad")
    for place in range(len(blob)):
        altered = bytearray(blob)
        altered[place] ^= 1
        for broken in (bytes(altered), blob[:place]):
            with pytest.raises(SealBroken):
                life.kms.unwrap(broken, b"aad")


def test_a_new_epoch_wraps_and_the_old_one_still_unwraps(life: OnFile | InMemory) -> None:
    """Rotation loses nothing."""
    old = life.kms.wrap(PLAIN, b"aad")
    life.rotate()
    assert life.kms.epoch == 2
    new = life.kms.wrap(PLAIN, b"aad")
    assert new != old
    assert life.kms.unwrap(old, b"aad") == life.kms.unwrap(new, b"aad") == PLAIN


def test_a_destroyed_epoch_unwraps_nothing_and_changes_no_derived_key(life: OnFile | InMemory) -> None:
    """Erasure by epoch does not disturb state digests."""
    old = life.kms.wrap(PLAIN, b"aad")
    derived = life.kms.derive(b"label")
    life.rotate()
    life.destroy(1)
    with pytest.raises(SealBroken):
        life.kms.unwrap(old, b"aad")
    assert life.kms.derive(b"label") == derived


def test_derived_keys_differ_by_label(life: OnFile | InMemory) -> None:
    """32 bytes, the same each time."""
    assert life.kms.derive(b"label") == life.kms.derive(b"label")
    assert len({life.kms.derive(b"label"), life.kms.derive(b"other")}) == 2
    assert len(life.kms.derive(b"label")) == 32


def test_it_draws_bytes_that_do_not_repeat(life: OnFile | InMemory) -> None:
    """Nonces come from here."""
    drawn = [life.kms.token_bytes(12) for _ in range(50)]
    assert len(set(drawn)) == 50
    assert {len(one) for one in drawn} == {12}

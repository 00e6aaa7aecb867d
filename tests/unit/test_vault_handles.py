"""Nothing that holds a key or a value shows it: not in repr, str, format, pickle, copy or an exception."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from streamgate.adapters.key_file import KeyFile
from streamgate.errors import SealBroken
from streamgate.vault import ReplyKey, SecretKey, StateSealer, SubjectKey, restore, reveal_secret_key
from streamgate.vault._token import Tokeniser
from tests.fakes.effects import SeededEntropy
from tests.fakes.kms import FakeKms
from tests.fakes.vault import Marked, aad_of, keys_of

SECRET = bytes(range(64, 96))
VALUE = "Maria"


def holders(directory: Path) -> list[object]:
    """One of each."""
    kms = KeyFile.create(directory / "keys.json")
    subject_key, _ = SubjectKey.mint(SeededEntropy(), FakeKms(), b"digest", 1)
    masker = keys_of().masker()
    masked = masker.mask_spans(VALUE, [Marked(0, 5)])
    tokeniser = Tokeniser(SecretKey(SECRET), SecretKey(SECRET))
    restored = restore(masked.text, masker.token_map)
    sealers = [StateSealer(FakeKms()), kms.dead_letter_opener(), ReplyKey(SeededEntropy())]
    return [SecretKey(SECRET), subject_key, keys_of(), masker, masker.token_map, tokeniser, restored, kms, *sealers]


def test_what_is_shown_holds_nothing(tmp_path: Path) -> None:
    """Sizes, counts, epochs and key ids only."""
    for holder in holders(tmp_path):
        for shown in (repr(holder), str(holder), f"{holder}", f"{[holder]}", f"{holder!s:>3}"):
            assert VALUE not in shown
            assert SECRET.decode() not in shown
            assert SECRET.hex() not in shown
            assert len(shown) < 80


def test_none_can_be_pickled_or_copied(tmp_path: Path) -> None:
    """So none ends up in a cache, a queue or another process."""
    for holder in holders(tmp_path):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="pickled"):
                pickle.dumps(holder, protocol)
        with pytest.raises(TypeError):
            copy.deepcopy(holder)


def test_none_has_a_dictionary(tmp_path: Path) -> None:
    """``vars()`` is what error reporters print."""
    for holder in holders(tmp_path):
        assert not hasattr(holder, "__dict__")


def test_a_key_is_read_by_one_function() -> None:
    """There is no attribute by its plain name."""
    key = SecretKey(SECRET)
    assert reveal_secret_key(key) == SECRET
    assert not [name for name in dir(key) if not name.startswith("_")]


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_size_is_refused_when_it_is_made(size: int) -> None:
    """Not when it is first used."""
    with pytest.raises(ValueError, match="32"):
        SecretKey(bytes(size))


def test_a_broken_seal_tells_nothing() -> None:
    """Neither in its text nor in what it was raised from."""
    with pytest.raises(SealBroken) as broken:
        keys_of().open(keys_of().seal(VALUE.encode(), aad_of()), aad_of(b"another row"))
    assert broken.value.__cause__ is None
    assert broken.value.__suppress_context__
    assert VALUE not in str(broken.value)

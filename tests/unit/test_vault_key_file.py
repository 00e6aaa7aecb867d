"""The key file on disk: private, complete or absent, never overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamgate.adapters.key_file import KeyFile
from streamgate.errors import ConfigError


def test_a_new_file_is_private_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """Mode 0600, and no draft."""
    path = tmp_path / "keys.json"
    KeyFile.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """Its keys are all there is."""
    path = tmp_path / "keys.json"
    KeyFile.create(path)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="exists already"):
        KeyFile.create(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o700])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """The problem names the mode and the remedy."""
    path = tmp_path / "keys.json"
    KeyFile.create(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="0600"):
        KeyFile(path)


def test_a_read_only_file_is_accepted(tmp_path: Path) -> None:
    """Mounted secrets are 0400."""
    path = tmp_path / "keys.json"
    KeyFile.create(path)
    path.chmod(0o400)
    assert KeyFile(path).epoch == 1


def test_a_missing_file_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    """Keys are never made by the way."""
    with pytest.raises(ConfigError, match="cannot be read"):
        KeyFile(tmp_path / "keys.json")


def test_a_directory_that_does_not_exist_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    """No error of the operating system escapes."""
    with pytest.raises(ConfigError, match="cannot be written"):
        KeyFile.create(tmp_path / "nowhere" / "keys.json")


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"root": "AAAA"},
        {"root": 7},
        {"keks": {}},
        {"keks": {"0": "A" * 43 + "="}},
        {"keks": {"one": "A" * 43 + "="}},
        {"keks": {"1": "?" * 44}},
        {"keks": []},
    ],
)
def test_a_file_of_another_form_is_refused_without_showing_it(tmp_path: Path, change: dict[str, object]) -> None:
    """No key stands in the problem."""
    path = tmp_path / "keys.json"
    KeyFile.create(path)
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, **change}), encoding="utf-8")
    with pytest.raises(ConfigError) as wrong:
        KeyFile(path)
    assert document["root"] not in str(wrong.value)
    assert wrong.value.__context__ is None or wrong.value.__suppress_context__


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", "\udcff"])
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, content: str) -> None:
    """Empty, of another type, or not even text."""
    path = tmp_path / "keys.json"
    path.touch(mode=0o600)
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match="not a key file"):
        KeyFile(path)


@pytest.mark.parametrize("epoch", [1, 7])
def test_only_an_older_epoch_can_be_destroyed(tmp_path: Path, epoch: int) -> None:
    """The current one is in use, and one that does not exist is a mistake."""
    path = tmp_path / "keys.json"
    KeyFile.create(path)
    with pytest.raises(ConfigError, match="older epoch"):
        KeyFile.destroy_epoch(path, epoch)
    assert KeyFile(path).epochs == (1,)


def test_rotating_keeps_the_mode_and_the_older_epochs(tmp_path: Path) -> None:
    """Until one is destroyed; an epoch number is never used again."""
    path = tmp_path / "keys.json"
    KeyFile.create(path)
    assert KeyFile.rotate(path).epochs == (1, 2)
    assert KeyFile.destroy_epoch(path, 1).epochs == (2,)
    assert KeyFile.rotate(path).epochs == (2, 3)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]

"""Dead letters: sealed by anybody with the public key, opened by vault while the epoch exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamgate.adapters.key_file import KeyFile
from streamgate.errors import ConfigError, SealBroken
from streamgate.vault import DeadLetterOpener, DeadLetterSealer, SecretKey

OPENER = DeadLetterOpener({3: SecretKey(bytes(range(32)))})


def test_a_public_key_from_settings_seals_what_the_private_key_opens() -> None:
    """And two letters of the same content look different."""
    sealer = DeadLetterSealer.from_text(OPENER.sealer(3).to_text())
    one, two = sealer.seal(b"original", b"place"), sealer.seal(b"original", b"place")
    assert sealer.epoch == 3
    assert one != two
    assert OPENER.open(one, b"place") == OPENER.open(two, b"place") == b"original"


def test_every_altered_or_missing_byte_and_another_place_are_noticed() -> None:
    """At every position, of version and epoch too."""
    blob = OPENER.sealer(3).seal(b"original", b"place")
    for place in range(len(blob)):
        altered = bytearray(blob)
        altered[place] ^= 1
        for broken in (bytes(altered), blob[:place]):
            with pytest.raises(SealBroken):
                OPENER.open(broken, b"place")
    with pytest.raises(SealBroken):
        OPENER.open(blob, b"elsewhere")


def test_an_epoch_cannot_be_exchanged() -> None:
    """Even where another epoch has the very same key: the header is bound."""
    both = DeadLetterOpener({3: SecretKey(bytes(range(32))), 4: SecretKey(bytes(range(32)))})
    blob = bytearray(both.sealer(3).seal(b"original", b"place"))
    blob[4] = 4
    with pytest.raises(SealBroken):
        both.open(bytes(blob), b"place")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x25519:1",
        "rsa:1:AAAA",
        "x25519:-1:" + "A" * 43 + "=",
        "x25519:1:AAAA",
        "x25519:1:" + "A" * 44,
        "x25519:9999999999:" + "A" * 43 + "=",
    ],
)
def test_a_setting_of_another_form_is_a_mistake_in_the_settings(text: str) -> None:
    """Found at the start, and not shown."""
    with pytest.raises(ConfigError) as wrong:
        DeadLetterSealer.from_text(text)
    assert "AAAA" not in str(wrong.value)


def test_the_key_file_opens_letters_of_every_epoch_it_has(tmp_path: Path) -> None:
    """Until an epoch is destroyed."""
    path = tmp_path / "keys.json"
    first = KeyFile.create(path).dead_letter_sealer().seal(b"first", b"")
    rotated = KeyFile.rotate(path)
    second = rotated.dead_letter_sealer().seal(b"second", b"")
    assert rotated.dead_letter_opener().open(first, b"") == b"first"
    opener = KeyFile.destroy_epoch(path, 1).dead_letter_opener()
    assert opener.open(second, b"") == b"second"
    with pytest.raises(SealBroken):
        opener.open(first, b"")

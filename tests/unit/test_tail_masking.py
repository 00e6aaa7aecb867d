"""What ``streamgate tail`` shows without being told to reveal."""

from __future__ import annotations

from streamgate.cli._tail import masked
from streamgate.codec import FieldRule

RULES = {name: FieldRule(action) for name, action in {"a": "keep", "b": "scan", "c": "tokenise", "d": "seal"}.items()}


def test_maps_and_bytes_are_as_raw_as_text() -> None:
    """Keys and values of a map, items of a list, bytes: shown only where the field is kept, or when revealed; what is sealed never."""
    record = {"a": {"k": "v"}, "b": {"Zoe Quill": "call"}, "c": b"Zoe", "d": {"k": "v"}}
    assert masked(record, RULES, reveal=False) == {"a": {"k": "v"}, "b": "‹scan: 1 entries›", "c": "‹tokenise: 3 bytes›", "d": "‹sealed›"}
    assert masked(record, RULES, reveal=True) == {"a": {"k": "v"}, "b": {"Zoe Quill": "call"}, "c": "5a6f65", "d": "‹sealed›"}
    assert masked({"b": ["Zoe"]}, RULES, reveal=False) == {"b": ["‹scan: 3 characters›"]}

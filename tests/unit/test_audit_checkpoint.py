"""Checkpoints as text."""

from __future__ import annotations

import pytest

from streamgate.audit import ChainHead, read_checkpoint, write_checkpoint

HEADS = {0: ChainHead(4, 17, bytes(range(32))), 11: ChainHead(0, 0, bytes(32))}


def test_a_checkpoint_reads_back() -> None:
    """Writing and reading give the same heads, and equal heads the same text."""
    assert read_checkpoint(write_checkpoint(HEADS)) == HEADS
    assert write_checkpoint(dict(reversed(HEADS.items()))) == write_checkpoint(HEADS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 2, "heads": {}}',
        '{"version": 1, "heads": []}',
        '{"version": 1, "heads": {"x": {}}}',
        '{"version": 1, "heads": {"-1": {"sequence": 0, "source_offset": 0, "hash": "' + "00" * 32 + '"}}}',
        '{"version": 1, "heads": {"0": {"sequence": -1, "source_offset": 0, "hash": "' + "00" * 32 + '"}}}',
        '{"version": 1, "heads": {"0": {"sequence": 0, "source_offset": true, "hash": "' + "00" * 32 + '"}}}',
        '{"version": 1, "heads": {"0": {"sequence": 0, "source_offset": 0, "hash": "00"}}}',
    ],
)
def test_anything_else_is_refused_and_not_repeated(text: str) -> None:
    """One message for every mistake."""
    with pytest.raises(ValueError, match=r"^audit checkpoint: not of the form"):
        read_checkpoint(text)

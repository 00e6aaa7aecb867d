"""Heads per partition as JSON, kept away from Kafka: without one, a log that was cut at its end looks like a shorter log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from streamgate.audit._entry import HASH_BYTES, ChainHead

_VERSION: Final = 1
_BROKEN: Final = "audit checkpoint: not of the form {version: 1, heads: {partition: {sequence, source_offset, hash}}}"


def write_checkpoint(heads: Mapping[int, ChainHead]) -> str:
    """Stable text: equal heads give equal bytes."""
    rows = {
        str(partition): {"hash": head.hash.hex(), "sequence": head.sequence, "source_offset": head.source_offset}
        for partition, head in sorted(heads.items())
    }
    return json.dumps({"version": _VERSION, "heads": rows}, indent=2) + "\n"


def read_checkpoint(text: str) -> dict[int, ChainHead]:
    """Read :func:`write_checkpoint`; ``ValueError`` for anything else, without repeating it."""
    try:
        document = json.loads(text)
        version = document["version"]
        heads = {_number(int(partition)): _head(row) for partition, row in document["heads"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(_BROKEN) from None
    if version != _VERSION:
        raise ValueError(_BROKEN)
    return heads


def _head(row: Mapping[str, Any]) -> ChainHead:
    """One head; raises one of the errors that :func:`read_checkpoint` answers for."""
    digest = bytes.fromhex(row["hash"])
    if len(digest) != HASH_BYTES:
        raise ValueError(_BROKEN)
    return ChainHead(_number(row["sequence"]), _number(row["source_offset"]), digest)


def _number(value: object) -> int:
    """A whole number from 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(_BROKEN)
    return value

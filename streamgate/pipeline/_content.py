"""What makes two prompts the same: everything a producer says in them, but not when it sent them.

A producer that repeats a prompt writes it anew, with another time of creation, another deadline and another trace.
"""

from __future__ import annotations

import json
from typing import Any, Final

from streamgate.codec import Decoded

OF_THE_SENDING: Final = frozenset({"created_at", "deadline", "traceparent"})
"""Roles of fields that differ between two copies of a prompt."""


def content(decoded: Decoded) -> bytes:
    """The same bytes for two records that say the same, whatever schema version or framing they were written with; contains all of them."""
    left_out = {path for path, rule in decoded.schema.rules.items() if rule.role in OF_THE_SENDING}
    return json.dumps(_without(decoded.record, left_out, ""), sort_keys=True, separators=(",", ":"), default=_plain).encode()


def _without(value: Any, left_out: set[str], path: str) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: f"{path}.{name}" if path else name for name in value}
    return {name: _without(held, left_out, inner[name]) for name, held in value.items() if held is not None and inner[name] not in left_out}


def _plain(value: object) -> list[str]:
    """Of what JSON has no form for: its type too, so that no two values look alike."""
    return [type(value).__name__, value.hex() if isinstance(value, bytes) else str(value)]

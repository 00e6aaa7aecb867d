"""How large a prompt may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one prompt; beyond them it is refused as ``OVERSIZE_PROMPT``."""

    prompt_bytes: int = 262_144
    """UTF-8 bytes of all texts together."""
    messages: int = 256
    parts: int = 1_024
    """Text parts over all messages."""
    stop_sequences: int = 4
    """What the chat completions API takes."""

"""Consent at the moment of use: waiting until what is known of consents and erasures is recent enough to act on."""

from __future__ import annotations

from typing import Final

from streamgate.effects import Clock
from streamgate.pipeline.ports.freshness import Freshness

CONSENT_AGE_MS: Final = 2_000
"""What is known of a withdrawal is never older than this when a prompt is let through or an answer is published."""
PIECE_SECONDS: Final = 5.0
FRESHNESS_GIVES_UP_MS: Final = 600_000
"""How long what has no deadline of its own waits for it."""


def recent(freshness: Freshness, clock: Clock, partition: int) -> bool:
    """Whether what is known is recent now."""
    return freshness.read_until_ms(partition) >= clock.now_ms() - CONSENT_AGE_MS


async def until_recent(freshness: Freshness, clock: Clock, partition: int, at_least_ms: int, give_up_ms: int) -> bool:
    """Wait until everything up to ``at_least_ms`` is known, and what is known is recent when this returns; ``False`` at ``give_up_ms``."""
    while True:
        now_ms = clock.now_ms()
        wanted_ms = max(at_least_ms, now_ms - CONSENT_AGE_MS)
        if freshness.read_until_ms(partition) >= wanted_ms:
            return True
        if now_ms >= give_up_ms:
            return False
        await freshness.wait(partition, wanted_ms, min(PIECE_SECONDS, (give_up_ms - now_ms) / 1000))

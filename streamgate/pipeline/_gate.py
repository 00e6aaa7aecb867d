"""Consent at the moment of use: whether a request may still be called, as far as vault has told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from streamgate.effects import Clock
from streamgate.errors import Code
from streamgate.pipeline.ports.standing import StandingView

FRESH_MS: Final = 2_000
"""A watermark further than this from now says nothing about now, also one from a clock that runs ahead."""
LOOK_AGAIN_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Gate:
    """Egress's view of standing and watermarks."""

    standing: StandingView
    clock: Clock

    async def pass_or_code(self, partition: int, request: dict[str, Any]) -> Code:
        """``OK`` under a fresh watermark when nothing forbids it; waits for one until the deadline."""
        while True:
            now_ms = self.clock.now_ms()
            if now_ms >= request["deadline_at"]:
                return Code.DEADLINE_EXCEEDED
            forbidden_at = self.standing.forbidden_at(partition, request["reference"], request["purpose"])
            if forbidden_at is not None and forbidden_at > request["approved_consents_offset"]:
                return Code.CONSENT_WITHDRAWN
            watermark = self.standing.watermark(partition)
            if watermark is not None and abs(now_ms - watermark.at_ms) < FRESH_MS:
                return Code.OK
            await self.standing.changed(LOOK_AGAIN_SECONDS)

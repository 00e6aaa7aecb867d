"""How fast a limit may be used up. Pure; the time is passed in.

Bulk leaves :data:`HEADROOM` free for interactive calls. What is charged is spread over the minute, bulk nearly evenly, interactive calls
a little once :data:`BURST` is used: otherwise a burst would come again every minute, with nothing in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streamgate.provider._account import Account
from streamgate.provider._amount import NOTHING, Amount
from streamgate.provider._window import SLICE_SECONDS, SLICES, Window

HEADROOM: Final = 0.01
BURST: Final = 0.5
PACE: Final = 4.0
BULK_PACE: Final = 1.5
"""How many times its even share may be used in a slice of the minute."""
FEW: Final = 4
"""Calls; where fewer are allowed in a slice, several slices are looked at together."""


@dataclass(frozen=True, slots=True)
class Room:
    """What this replica may have charged in a window, now and if it had use for it."""

    held: Amount
    share: Amount


def fits(model: Account, room: Room, needs: Amount, now: float, *, bulk: bool) -> bool:
    """Whether a call may be charged now."""
    charged, pace = model.window.charged(now), model.foreign.pace(now)
    after = charged + needs
    if charged == NOTHING or not room.held.covers(after):
        return room.held.covers(after)
    if bulk and not (room.share - room.share.part(HEADROOM)).covers(after):
        return False
    if not bulk and pace >= PACE and room.share.part(BURST).covers(after):
        return True
    return _slow_enough(model.window, room.share, min(pace, BULK_PACE if bulk else PACE), now)


def _slow_enough(window: Window, share: Amount, pace: float, now: float) -> bool:
    """Whether no more than a pace allows was charged lately; of a small share, in which a single call counts much, over a longer time."""
    slices = max(1, min(SLICES, round(SLICES * FEW / max(1.0, share.requests * pace)))) if pace >= 1 else 1
    return share.part(pace * slices / SLICES).covers(window.since(slices * SLICE_SECONDS, now))

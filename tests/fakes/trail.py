"""A trail that keeps what is entered and carries it out over a state, or is down."""

from __future__ import annotations

from streamgate.errors import Code, Unavailable
from streamgate.pipeline.ports.stage import Output, Prepared
from tests.fakes.state import FakeState


class FakeTrail:
    """Implements ``streamgate.pipeline.ports.trail.Trail``."""

    def __init__(self, state: FakeState) -> None:
        self.outputs: list[Output] = []
        self.down = False
        self.lost = False
        """The partition is another worker's."""
        self._state = state

    async def enter(self, partition: int, entry: Prepared) -> None:
        if self.lost:
            raise Unavailable(Code.FENCED)
        if self.down:
            raise Unavailable(Code.INTERNAL_ERROR, "trail")
        effects = entry.decide(partition, self._state)
        self._state.carry_out(effects)
        self.outputs.extend(effects.outputs)

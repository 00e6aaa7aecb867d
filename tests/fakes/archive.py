"""An archive in a dictionary, which can be down for a while."""

from __future__ import annotations

from dataclasses import replace

from streamgate.errors import Code, Unavailable
from streamgate.pipeline.ports.stage import Effects
from streamgate.types import Inbound


class FakeArchive:
    """Implements ``streamgate.pipeline.ports.archive.Archive``."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int, int], Inbound] = {}
        self.refusals = 0
        """So many questions are not answered."""

    async def read(self, topic: str, partition: int, offset: int) -> Inbound | None:
        if self.refusals:
            self.refusals -= 1
            raise Unavailable(Code.INTERNAL_ERROR, "kafka")
        return self.records.get((topic, partition, offset))

    async def first(self, topic: str, partition: int) -> int:
        return min((offset for name, number, offset in self.records if (name, number) == (topic, partition)), default=0)

    def keep(self, effects: Effects, first_offset: int) -> None:
        """Everything that a decision publishes, from an offset on."""
        for number, output in enumerate(effects.outputs, first_offset):
            self.records[output.topic, 0, number] = Inbound(output.topic, 0, number, 0, output.key, output.value)

    def replace_value(self, topic: str, offset: int, value: bytes) -> None:
        """Another record stands there now."""
        place = (topic, 0, offset)
        self.records[place] = replace(self.records[place], value=value)

"""What egress knows of standing: implements ``streamgate.pipeline.ports.standing.StandingView`` over the whole standing topic, in memory.

Every worker reads every partition, from the beginning, without a group: which requests a worker gets has nothing to do with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Literal, NamedTuple, TypeVar

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_whole import WholeTopic
from streamgate.effects import Clock
from streamgate.types import Inbound

W = TypeVar("W")


class StandingRecord(NamedTuple):
    """One record of the standing topic, decoded."""

    kind: Literal["watermark", "forbidden"]
    reference: bytes | None
    """``None`` in a watermark."""
    purpose: str | None
    """``None``: all purposes."""
    consents_offset: int
    at_ms: int


class StandingReader(Generic[W]):
    """Reads for as long as it runs; a broker that is away makes watermarks old, and nobody may be called then."""

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        partitions: int,
        *,
        decode: Callable[[bytes], StandingRecord],
        watermark: Callable[[int, int], W],
        clock: Clock,
    ) -> None:
        """``topic`` is the physical name; ``watermark`` makes the port's value from time (ms) and consents offset."""
        self._clock = clock
        self.apart_ms = 0
        """How far the newest watermark was from this worker's time when it was read: clocks differ, or Kafka is slow."""
        self._decode = decode
        self._make = watermark
        self._watermarks: dict[int, tuple[int, int]] = {}
        self._forbidden: dict[tuple[int, bytes, str | None], int] = {}
        self._topic = WholeTopic(connection, topic, partitions, self._learn, client_id="streamgate-standing")
        self.start, self.stop, self.changed = self._topic.start, self._topic.stop, self._topic.changed

    @property
    def ready(self) -> bool:
        """Whether all of the topic was read. Otherwise nothing can be said about anybody."""
        return self._topic.ready

    def watermark(self, partition: int) -> W | None:
        """See the port. ``None`` as well until everything that is forbidden has been read."""
        # A record that cannot be read may forbid something: nobody on its partition is called any more.
        found = None if partition in self._topic.unreadable else self._watermarks.get(partition)
        return self._make(*found) if found is not None and self._topic.caught_up else None

    def forbidden_at(self, partition: int, reference: bytes, purpose: str) -> int | None:
        """See the port."""
        found = [self._forbidden.get((partition, reference, name)) for name in (purpose, None)]
        return max((offset for offset in found if offset is not None), default=None)

    def _learn(self, record: Inbound) -> None:
        if record.value is None:
            return  # compaction's business: what was forbidden for a reference stays so while this worker lives
        standing = self._decode(record.value)
        if standing.kind == "watermark":
            self._watermarks[record.partition] = (standing.at_ms, standing.consents_offset)
            if self._topic.caught_up:
                self.apart_ms = abs(standing.at_ms - self._clock.now_ms())
        elif standing.reference is not None:
            place = (record.partition, standing.reference, standing.purpose)
            self._forbidden[place] = max(standing.consents_offset, self._forbidden.get(place, -1))

"""The audit trail outside a decision: implements ``streamgate.pipeline.ports.trail.Trail`` over the role's publisher."""

from __future__ import annotations

from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.errors import Code, Unavailable


class KafkaTrail:
    """Publishes on audit-events and returns once Kafka has acknowledged. Made before the worker starts, bound when it does."""

    def __init__(self, topic: str, give_up_seconds: float = 10.0) -> None:
        """``topic`` is the physical name of audit-events."""
        self._topic = topic
        self._give_up_seconds = give_up_seconds
        self._publisher: KafkaPublisher | None = None

    def bind(self, publisher: KafkaPublisher) -> None:
        """From now on records go out through ``publisher``."""
        self._publisher = publisher

    async def publish(self, partition: int, key: bytes | None, value: bytes) -> None:
        """See ``Trail``."""
        if self._publisher is None:
            raise Unavailable(Code.INTERNAL_ERROR, "the worker has not started")
        await self._publisher.publish([Publication(self._topic, partition, key, value)], self._give_up_seconds)

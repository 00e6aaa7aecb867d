"""A worker with a bug planted in it: ``python -m tests.fault.defective_worker DEFECT worker --role ROLE``.

``acknowledges-early``: whatever Kafka has handed out is committed, whether or not its work is done; that is how records are lost when a
worker is killed. ``forgets-outcomes``: vault does not know a prompt that it has seen before; that is how two answers come about.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from streamgate.cli import main
from streamgate.pipeline import _decide_prompt
from streamgate.pipeline._outcome import Outcome
from streamgate.pipeline._vaultstate import VaultState

CONSUMERS: weakref.WeakSet[Any] = weakref.WeakSet()


def handed_out(place: TopicPartition, offset: int) -> int:
    """The position of whichever consumer of this process reads there; never before ``offset``."""
    positions = [offset]
    for consumer in CONSUMERS:
        if consumer._group_id is not None and place in consumer.assignment():
            state = consumer._subscription.subscription.assignment.state_value(place)
            if state is not None and state.has_valid_position:
                positions.append(state.position)
    return max(positions)


def early(offsets: Mapping[TopicPartition, Any]) -> dict[TopicPartition, OffsetAndMetadata]:
    """The same places, as far as they were read."""
    given = {place: each.offset if isinstance(each, OffsetAndMetadata) else int(each) for place, each in offsets.items()}
    return {place: OffsetAndMetadata(handed_out(place, offset), "") for place, offset in given.items()}


def acknowledge_early() -> None:
    """Bend both ways in which aiokafka commits."""
    started, commit, send = AIOKafkaConsumer.start, AIOKafkaConsumer.commit, AIOKafkaProducer.send_offsets_to_transaction

    async def start(self: Any) -> None:
        CONSUMERS.add(self)
        await started(self)

    async def commit_early(self: Any, offsets: Any = None) -> None:
        await commit(self, None if offsets is None else early(offsets))

    async def send_early(self: Any, offsets: Any, group_id: Any) -> None:
        await send(self, early(offsets), group_id)

    AIOKafkaConsumer.start = start
    AIOKafkaConsumer.commit = commit_early
    AIOKafkaProducer.send_offsets_to_transaction = send_early


class Forgetful(VaultState):
    """State in which no outcome is ever found."""

    def outcome(self, key: bytes) -> Outcome | None:
        return None


def forget_outcomes() -> None:
    """Every prompt is a new one."""
    vars(_decide_prompt)["VaultState"] = Forgetful


if __name__ == "__main__":
    {"acknowledges-early": acknowledge_early, "forgets-outcomes": forget_outcomes}[sys.argv.pop(1)]()
    main()

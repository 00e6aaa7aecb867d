"""A worker that stops itself once, at a given step of a transaction: ``python -m tests.fault.stopping_main BOOTSTRAP PREFIX STEP AFTER``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from streamgate.adapters.kafka_publisher import Publication
from streamgate.adapters.kafka_transaction import KafkaTransactions
from streamgate.topology import RoleApp
from tests.fault.minting import MintingStage
from tests.fixtures_kafka import Broker
from tests.topology.toy import build_worker


class Stop:
    """Counts transactions; stops the process (SIGSTOP) at one step of the one after ``after``."""

    def __init__(self, step: str, after: int) -> None:
        self.step = step
        self.left = after

    def at(self, step: str) -> None:
        """Here is a step."""
        if step == "decided":
            self.left -= 1
        if step == self.step and self.left == 0:
            self.left = -1
            os.kill(os.getpid(), signal.SIGSTOP)


class StoppingTransactions(KafkaTransactions):
    """The real thing, with steps to stop at."""

    stop: Stop

    async def commit(self, records: Sequence[Publication], settled: Any, group: str, progress: Mapping[Any, Any], give_up: float) -> Any:
        self.stop.at("decided")

        def settling(offsets: Sequence[int]) -> Sequence[Publication]:
            self.stop.at("written")
            return list(settled(offsets))

        written = await super().commit(records, settling, group, progress, give_up)
        self.stop.at("committed")
        return written


class StoppingRole(RoleApp):
    """Makes such transactions."""

    stop_at: Stop

    def _transactions(self, partition: int) -> KafkaTransactions:
        made = StoppingTransactions(self._connection, f"{self._app_id}-{partition}")
        made.stop = self.stop_at
        return made


async def main(bootstrap: str, prefix: str, step: str, after: str) -> int:
    StoppingRole.stop_at = Stop(step, int(after))
    worker = build_worker(Broker(bootstrap, False), prefix, MintingStage(), role=StoppingRole)
    await worker.app.start()
    await worker.app.wait_failed()
    await worker.app.stop()
    return 3


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))

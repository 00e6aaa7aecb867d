"""Looks at a running worker for ``_watch``: whether it is in its group, whether Kafka takes what it decides, whether the broker answers."""

from __future__ import annotations

import asyncio
from typing import Final

from streamgate.effects import Clock
from streamgate.errors import Code, Unavailable
from streamgate.topology._app import RoleFaustApp
from streamgate.topology._runtime import Runtime
from streamgate.topology._settings import RuntimeSettings
from streamgate.topology._watch import Seen, Watch

_LOOK_SECONDS: Final = 0.25


class Vitals:
    """Ends the worker when it will not heal."""

    def __init__(self, app: RoleFaustApp, runtime: Runtime, clock: Clock, settings: RuntimeSettings) -> None:
        """Nothing is looked at before :meth:`run`."""
        self._app = app
        self._runtime = runtime
        self._clock = clock
        self._ask_seconds = settings.ask_seconds
        self._answered_at = clock.monotonic()
        self._watch = Watch(settings.watch, clock.monotonic())

    def reasons(self) -> tuple[str, ...]:
        """Why the worker is not ready; empty when it is."""
        return self._watch.reasons(self._look())

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ask())
            tasks.create_task(self._give_up())

    def _look(self) -> float:
        now = self._clock.monotonic()
        self._watch.look(Seen(self._app.running, self._runtime.batch_since, self._answered_at), now)
        return now

    async def _give_up(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            why = self._watch.hopeless(self._look())
            if why is not None:
                self._runtime.fail(Unavailable(Code.INTERNAL_ERROR, why))

    async def _ask(self) -> None:
        """Ask the broker something now and then. A worker without partitions has nothing to ask for; whether it is in the group is seen."""
        while True:
            await asyncio.sleep(self._ask_seconds)
            place = next(iter(self._runtime.ledgers.places()), None)
            if place is not None:
                try:
                    async with asyncio.timeout(2 * self._ask_seconds):
                        await self._app.strict_consumer.highwaters(self._app.physical(*place))
                except Exception:  # noqa: BLE001, S112  however it did not answer, the time of the last answer says so
                    continue
            self._answered_at = self._clock.monotonic()

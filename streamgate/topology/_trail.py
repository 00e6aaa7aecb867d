"""Decisions beside those over records: implements ``streamgate.pipeline.ports.trail.Trail`` over the runtime."""

from __future__ import annotations

import asyncio
from typing import Final

from streamgate.errors import Code, Unavailable
from streamgate.pipeline.ports.stage import Prepared
from streamgate.topology._runtime import Runtime

_GIVE_UP_SECONDS: Final = 10.0


class RuntimeTrail:
    """Made before the worker starts, bound when it does."""

    def __init__(self) -> None:
        """Unbound."""
        self._runtime: Runtime | None = None

    def bind(self, runtime: Runtime) -> None:
        """From now on entries are decided by ``runtime``."""
        self._runtime = runtime

    async def enter(self, partition: int, entry: Prepared) -> None:
        """See ``Trail``."""
        if self._runtime is None:
            raise Unavailable(Code.INTERNAL_ERROR, "the worker has not started")
        try:
            async with asyncio.timeout(_GIVE_UP_SECONDS):
                await self._runtime.enter(partition, entry)
        except TimeoutError:
            raise Unavailable(Code.BROKER_UNAVAILABLE, "kafka takes too long") from None

"""Carries out a schedule: one fault after another, each when so many prompts have been sent, and notes when it began and ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from streamgate.demo.soak._evidence import Happened
from streamgate.demo.soak._fault import Fault, Kind
from streamgate.demo.soak._kafka import LocalKafka
from streamgate.demo.soak._provider import UnreliableProvider
from streamgate.demo.soak._traffic import Traffic
from streamgate.demo.soak._workers import Fleet
from streamgate.types import Role

RECENT = 300
"""Copies, conflicts and erasures meet one of so many latest prompts."""


class Nemesis:
    """Breaks what was started for this run, and only that."""

    def __init__(self, fleet: Fleet, provider: UnreliableProvider, traffic: Traffic, kafka: LocalKafka | None) -> None:
        """``kafka`` is ``None`` where the broker is somebody else's."""
        self.happened: list[Happened] = []
        self._fleet = fleet
        self._provider = provider
        self._traffic = traffic
        self._kafka = kafka
        self._sent = 0
        self._moved = asyncio.Event()
        self._done = asyncio.Event()
        self.finished = 0
        """Faults that are over."""

    def sent(self, prompts: int) -> None:
        """So many prompts have been sent."""
        self._sent = prompts
        self._moved.set()

    async def carry_out(self, faults: Sequence[Fault], progress: Callable[[str], None]) -> None:
        """All of them, in order."""
        for fault in faults:
            while self._sent < fault.after:
                self._moved.clear()
                await self._moved.wait()
            progress(str(fault))
            began_ms = _now_ms()
            await self._carry_out(fault)
            target = "" if fault.role is None else f"{fault.role}/{fault.worker}"
            self.happened.append(Happened(fault.number, fault.kind, target, began_ms, _now_ms()))
            self.finished += 1
            self._done.set()

    async def until_finished(self, faults: int) -> None:
        """Until so many faults are over: the load waits for them, so that each of them meets load."""
        while self.finished < faults:
            self._done.clear()
            await self._done.wait()

    async def _carry_out(self, fault: Fault) -> None:
        if fault.role is not None:
            await self._worker(fault, fault.role)
        elif fault.kind in {Kind.BROKER_RESTART, Kind.BROKER_KILL, Kind.DISK_FULL, Kind.CUT, Kind.DELAY} and self._kafka is not None:
            await self._broker(fault, self._kafka)
        elif fault.kind in {Kind.LIMITED, Kind.ERROR, Kind.SILENT, Kind.SLOW, Kind.RESET}:
            self._provider.misbehave(fault.kind)
            await asyncio.sleep(fault.seconds)
            self._provider.misbehave(None)
        else:
            await self._events(fault)

    async def _worker(self, fault: Fault, role: Role) -> None:
        if fault.kind is Kind.KILL:
            await self._fleet.kill(role, fault.worker)
        elif fault.kind is Kind.TERM:
            await self._fleet.restart(role, fault.worker)
        else:
            await self._fleet.pause(role, fault.worker, fault.seconds)

    async def _broker(self, fault: Fault, kafka: LocalKafka) -> None:
        if fault.kind is Kind.CUT:
            await kafka.proxy.cut()
            await asyncio.sleep(fault.seconds)
            kafka.proxy.heal()
        elif fault.kind is Kind.DELAY:
            kafka.proxy.delay(fault.count / 1000)
            await asyncio.sleep(fault.seconds)
            kafka.proxy.heal()
        else:
            if fault.kind is Kind.BROKER_RESTART:
                await kafka.stop()
            elif fault.kind is Kind.DISK_FULL:
                kafka.fill_disk()
            await asyncio.sleep(fault.seconds)
            await kafka.kill()
            await kafka.start()

    async def _events(self, fault: Fault) -> None:
        send: dict[Kind, Callable[[int], Awaitable[None]]] = {
            Kind.COPY: self._traffic.copy,
            Kind.CONFLICT: self._traffic.conflict,
            Kind.MALFORMED: self._traffic.malformed,
            Kind.WITHDRAW: self._traffic.withdraw,
            Kind.OVERSIZE: lambda number: self._traffic.oversize(f"{fault.number}-{number}", number),
            Kind.ERASE: lambda number: self._traffic.erase(f"erase-{fault.number}-{number}", number),
        }
        span = max(1, min(RECENT, self._sent))
        for step in range(fault.count):
            await send[fault.kind](max(0, self._sent - 1 - (fault.pick + step * 17) % span))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

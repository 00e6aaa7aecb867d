"""Detection in processes of its own: implements ``streamgate.detect.Detector``.

A process that dies or does not answer in time is replaced and its request tried once more; then the request is refused as unavailable.
There is no way past it: while no process is there, callers wait.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

from streamgate.adapters._detector_process import FAILED, READY, Found, serve
from streamgate.adapters._versions import presidio_version
from streamgate.detect import PATTERNS_VERSION, EntityType, Span
from streamgate.errors import Code, Unavailable

START_SECONDS: Final = 60.0
TRIES: Final = 2
_LINGER_SECONDS: Final = 2.0


class _Process:
    """One process and its pipe. Its methods block and run in a thread."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("forkserver")
        self._pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=serve, args=(theirs, os.getpid()), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def wait_ready(self) -> None:
        """Raise ``OSError`` when it did not come up."""
        if _answer(self._pipe, START_SECONDS) != READY:
            raise OSError

    def ask(self, texts: list[str], seconds: float) -> list[list[Found]]:
        """Raise ``OSError`` when it died, did not answer in time, or could not."""
        self._pipe.send(texts)
        answer = _answer(self._pipe, seconds)
        if answer == FAILED or not isinstance(answer, list):
            raise OSError
        return answer

    def end(self) -> None:
        """Kill it; it holds nothing that is worth a farewell."""
        self._process.kill()
        self._process.join(_LINGER_SECONDS)
        self._pipe.close()


def _answer(pipe: Connection, seconds: float) -> object:
    if not pipe.poll(seconds):
        raise OSError
    try:
        return pipe.recv()
    except EOFError:
        raise OSError from None


class DetectorPool:
    """A fixed number of detector processes, each used by one request at a time."""

    def __init__(self, workers: int = 1, timeout_seconds: float = 30.0) -> None:
        """``timeout_seconds`` bounds a request's wait and its work each. Nothing is started yet."""
        self._workers = workers
        self._timeout = timeout_seconds
        self._threads = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="detector")
        self._free: asyncio.Queue[_Process] = asyncio.Queue()
        self._alive: set[_Process] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._stopped = False

    @property
    def version(self) -> str:
        """Patterns, Presidio and model."""
        return f"{PATTERNS_VERSION} {presidio_version()}"

    @property
    def healthy(self) -> bool:
        """Whether any process is up."""
        return bool(self._alive)

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes that are up."""
        return tuple(process.pid for process in self._alive if process.pid is not None)

    @property
    def idle(self) -> bool:
        """Whether a process waits for work."""
        return not self._free.empty()

    async def start(self) -> None:
        """Begin to start the processes; returns at once (see :meth:`wait_ready`)."""
        for _ in range(self._workers):
            self._spawn()

    async def wait_ready(self) -> None:
        """Return when every process is up or has failed to come up."""
        while self._starting:
            await asyncio.wait(self._starting)

    async def stop(self) -> None:
        """End every process."""
        self._stopped = True
        for task in tuple(self._starting):
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        for process in tuple(self._alive):
            self._retire(process)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def detect(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """See the port."""
        if not texts:
            return []
        for _ in range(TRIES):
            process = await self._take()
            try:
                found = await self._blocking(process.ask, list(texts), self._timeout)
            except OSError:
                self._replace(process)
                continue
            except BaseException:
                # Cancelled midway: its answer would come to the next request, so the process must go.
                self._replace(process)
                raise
            self._free.put_nowait(process)
            return [tuple(Span(start, end, EntityType(kind), score, by) for start, end, kind, score, by in spans) for spans in found]
        raise Unavailable(Code.DETECTOR_UNAVAILABLE)

    async def _take(self) -> _Process:
        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    process = await self._free.get()
                    if process in self._alive and process.running:
                        return process
                    if process in self._alive:
                        self._replace(process)
        except TimeoutError:
            if not self._starting and not self._alive and not self._stopped:
                self._spawn()
            raise Unavailable(Code.DETECTOR_UNAVAILABLE) from None

    async def _blocking(self, call: object, *arguments: object) -> list[list[Found]]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, call, *arguments)  # type: ignore[arg-type]  # a bound method

    def _spawn(self) -> None:
        task = asyncio.create_task(self._bring_up())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _bring_up(self) -> None:
        loop = asyncio.get_running_loop()
        process = await loop.run_in_executor(None, _Process)
        try:
            await loop.run_in_executor(None, process.wait_ready)
        except BaseException:
            await loop.run_in_executor(None, process.end)
            raise
        self._alive.add(process)
        self._free.put_nowait(process)

    def _replace(self, process: _Process) -> None:
        self._retire(process)
        if not self._stopped:
            self._spawn()

    def _retire(self, process: _Process) -> None:
        self._alive.discard(process)
        process.end()

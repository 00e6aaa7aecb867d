"""One HTTP server for whoever watches the worker: ``/metrics``, ``/healthz``, ``/readyz``. It shows counts and states, never a table row.

``/healthz`` says whether the process should go on living, ``/readyz`` whether it does its work now; both answer 503 when not. Only GET
(and HEAD, which RFC 9110 §9.1 asks for) is answered. What it is not: Faust's web server, which serves table rows and stays off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

LOOPBACK: Final = "127.0.0.1"
_TEXT: Final = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
_SAFE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Readiness:
    """What ``/readyz`` says. Reasons are constants of ours: names of parts and states."""

    ready: bool
    role: str
    profile: str
    reasons: tuple[str, ...] = ()
    """Why it is not ready."""
    promises_not_kept: tuple[str, ...] = ()
    """What the embedded profile cannot keep; empty elsewhere."""


class HealthServer:
    """Serves the three pages from functions that it calls on each request."""

    def __init__(
        self,
        render: Callable[[], bytes],
        readiness: Callable[[], Readiness],
        *,
        alive: Callable[[], bool] = lambda: True,
        host: str = LOOPBACK,
        port: int = 0,
    ) -> None:
        """Port 0 takes a free one; :attr:`port` tells which."""
        self._render = render
        self._readiness = readiness
        self._alive = alive
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, once started."""
        return self._port

    async def start(self) -> None:
        """Bind and serve; ``OSError`` where the port is taken."""
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._port = int(runner.addresses[0][1])
        self._runner = runner

    async def stop(self) -> None:
        """Close the port; harmless when not started."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._render(), headers=_TEXT | _SAFE)

    async def _healthz(self, _request: web.Request) -> web.Response:
        alive = self._alive()
        return web.json_response({"alive": alive}, status=_status(good=alive), headers=_SAFE)

    async def _readyz(self, _request: web.Request) -> web.Response:
        state = self._readiness()
        body = {
            "ready": state.ready,
            "reasons": list(state.reasons),
            "role": state.role,
            "profile": state.profile,
            "promises_not_kept": list(state.promises_not_kept),
        }
        return web.json_response(body, status=_status(good=state.ready), headers=_SAFE)


def _status(*, good: bool) -> int:
    """200 or 503, as probes read them."""
    return HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE

"""The server for probes and scrapes, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from streamgate.adapters.health import HealthServer, Readiness
from streamgate.adapters.prometheus import PrometheusTelemetry
from streamgate.telemetry import LateCompletion
from tests.fakes.telemetry import KNOWN

READY = Readiness(ready=True, role="vault", profile="kafka")


class Worker:
    """What the server asks."""

    def __init__(self) -> None:
        self.telemetry = PrometheusTelemetry(KNOWN)
        self.readiness = READY
        self.alive = True


@pytest.fixture
def worker() -> Worker:
    """A worker that is well."""
    return Worker()


@pytest.fixture
async def server(worker: Worker) -> AsyncIterator[HealthServer]:
    """The server of that worker, on a free port."""
    health = HealthServer(worker.telemetry.render, lambda: worker.readiness, alive=lambda: worker.alive)
    await health.start()
    yield health
    await health.stop()


async def ask(server: HealthServer, path: str, method: str = "GET") -> tuple[int, str, str]:
    """Status, content type and body."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{server.port}{path}") as reply,
    ):
        return reply.status, reply.headers.get("Content-Type", ""), await reply.text()


async def ask_json(server: HealthServer, path: str) -> tuple[int, Any]:
    """Status and JSON body."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{server.port}{path}") as reply:
        return reply.status, await reply.json()


async def test_metrics_are_rendered_on_each_request(worker: Worker, server: HealthServer) -> None:
    """In Prometheus's text format."""
    worker.telemetry.emit(LateCompletion())
    status, content_type, body = await ask(server, "/metrics")
    assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "streamgate_late_completions_total 1.0" in body
    worker.telemetry.emit(LateCompletion())
    assert "streamgate_late_completions_total 2.0" in (await ask(server, "/metrics"))[2]


async def test_readiness_says_why_not(worker: Worker, server: HealthServer) -> None:
    """503 with reasons when not ready, 200 when ready."""
    assert await ask_json(server, "/readyz") == (
        200,
        {"ready": True, "reasons": [], "role": "vault", "profile": "kafka", "promises_not_kept": []},
    )
    worker.readiness = Readiness(ready=False, role="vault", profile="kafka", reasons=("detector unavailable",))
    status, body = await ask_json(server, "/readyz")
    assert (status, body["ready"], body["reasons"]) == (503, False, ["detector unavailable"])


async def test_the_embedded_profile_names_the_promises_it_does_not_keep(worker: Worker, server: HealthServer) -> None:
    """It is ready all the same."""
    worker.readiness = Readiness(ready=True, role="demo", profile="embedded", promises_not_kept=("one outcome", "erased means erased"))
    status, body = await ask_json(server, "/readyz")
    assert (status, body["promises_not_kept"]) == (200, ["one outcome", "erased means erased"])


async def test_liveness_is_apart_from_readiness(worker: Worker, server: HealthServer) -> None:
    """A worker that waits for a part is alive; a stuck one is not."""
    worker.readiness = Readiness(ready=False, role="vault", profile="kafka")
    assert await ask_json(server, "/healthz") == (200, {"alive": True})
    worker.alive = False
    assert await ask_json(server, "/healthz") == (503, {"alive": False})


@pytest.mark.parametrize("path", ["/", "/metrics/", "/tables", "/../etc/passwd"])
async def test_any_other_path_is_not_found(server: HealthServer, path: str) -> None:
    """There is nothing else, and no table row."""
    assert (await ask(server, path))[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_reading_is_allowed(server: HealthServer, method: str) -> None:
    """Nothing can be changed here."""
    assert (await ask(server, "/readyz", method))[0] == 405


async def test_it_listens_on_the_loopback_unless_told(server: HealthServer, worker: Worker) -> None:
    """And gives its port back when stopped; a taken port raises."""
    taken = HealthServer(worker.telemetry.render, lambda: worker.readiness, port=server.port)
    with pytest.raises(OSError, match="in use"):
        await taken.start()
    await taken.stop()
    await server.stop()
    await taken.start()
    assert (await ask(taken, "/healthz"))[0] == 200
    await taken.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(taken, "/healthz")

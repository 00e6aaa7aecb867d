"""No connection, or none that can be trusted: over real sockets, through the real SDK, caller and budgets."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streamgate.adapters.openai_batch import OpenAIBatch
from streamgate.adapters.openai_chat import OpenAIChat
from streamgate.errors import Code, ConfigError
from streamgate.provider import CallFailed, Reason
from streamgate.telemetry import CallRetried
from tests.fakes.authority import Authority
from tests.fakes.faulty_provider import REPLY_MARK, FaultyProvider
from tests.fakes.openai_bench import KEY, Line, nothing_said

Certificate = Callable[[Authority], ssl.SSLContext]

BAD: dict[str, Certificate] = {
    "another host": lambda trusted: trusted.server(host="provider.example"),
    "expired": lambda trusted: trusted.server(ended_days_ago=1),
    "self-signed": lambda trusted: trusted.self_signed(),
    "an authority nobody named": lambda trusted: Authority(trusted.file.parent, "another authority").server(),
}


async def ends(chat: OpenAIChat, caplog: pytest.LogCaptureFixture) -> tuple[Code, int, set[Reason], bool]:
    """Code, calls, reasons, and whether five such failures open the breaker."""
    with nothing_said(caplog):
        line = Line(chat)
        called = await line.ask()
        while len(line.heard.errors) < 5:
            await line.ask()
        await chat.close()
    reasons = {error.reason for error in line.heard.errors if isinstance(error, CallFailed)}
    return called.code, called.calls, reasons, line.held_seconds() > 0


@contextmanager
def a_full_queue() -> Iterator[str]:
    """A listener that answers no handshake."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        queued = [socket.socket() for _ in range(4)]
        for each in queued:
            each.setblocking(False)
            each.connect_ex(address)
        yield f"http://127.0.0.1:{address[1]}/v1"
        for each in queued:
            each.close()


@contextmanager
def nobody() -> Iterator[str]:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1"


async def test_a_connection_that_is_not_taken_times_out(caplog: pytest.LogCaptureFixture) -> None:
    """After the time for connecting, not the whole of the call's; another try may get through."""
    with a_full_queue() as url:
        end = await ends(OpenAIChat(KEY, url, connect_timeout_seconds=0.1), caplog)
    assert end == (Code.PROVIDER_FAILED, 2, {Reason.TIMEOUT}, True)


async def test_nobody_listening_is_a_failed_connection(caplog: pytest.LogCaptureFixture) -> None:
    """Refused at once."""
    with nobody() as url:
        end = await ends(OpenAIChat(KEY, url), caplog)
    assert end == (Code.PROVIDER_FAILED, 2, {Reason.CONNECTION}, True)


async def test_a_host_that_has_no_address_is_a_failed_connection(caplog: pytest.LogCaptureFixture) -> None:
    """``.invalid`` never has one (RFC 6761 §6.4)."""
    end = await ends(OpenAIChat(KEY, "http://provider.invalid/v1"), caplog)
    assert end == (Code.PROVIDER_FAILED, 2, {Reason.CONNECTION}, True)


@pytest.mark.parametrize("kind", BAD)
async def test_a_certificate_that_does_not_hold_is_not_accepted(tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    """The prompt is not sent, and not tried again: it would be the same certificate. There is no setting for accepting it."""
    trusted = Authority(tmp_path)
    async with FaultyProvider(BAD[kind](trusted)) as server:
        end = await ends(OpenAIChat(KEY, server.base_url, ca_file=trusted.file), caplog)
    assert end == (Code.PROVIDER_FAILED, 1, {Reason.UNTRUSTED}, True)
    assert server.requests == []


async def test_the_systems_authorities_count_where_none_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One of our own is not among them."""
    async with FaultyProvider(Authority(tmp_path).server()) as server:
        end = await ends(OpenAIChat(KEY, server.base_url), caplog)
    assert end[:3] == (Code.PROVIDER_FAILED, 1, {Reason.UNTRUSTED})
    assert server.requests == []


async def test_a_right_certificate_is_accepted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of a named authority, for this host, today."""
    authority = Authority(tmp_path)
    async with FaultyProvider(authority.server()) as server:
        chat = OpenAIChat(KEY, server.base_url, ca_file=authority.file)
        with nothing_said(caplog):
            called = await Line(chat).ask()
            await chat.close()
    assert server.base_url.startswith("https:")
    assert (called.code, called.reply is not None and called.reply.text) == (Code.OK, REPLY_MARK)


@pytest.mark.parametrize("make", [OpenAIChat, OpenAIBatch])
@pytest.mark.parametrize("trust_env", [False, True])
async def test_keys_of_tls_are_logged_only_where_the_environment_is_trusted(
    make: type[OpenAIChat], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, trust_env: bool
) -> None:
    """SSLKEYLOGFILE lets its reader decrypt every call; a named authority changes nothing of that."""
    log, authority = tmp_path / "keys.log", Authority(tmp_path)
    async with FaultyProvider(authority.server()) as server:
        monkeypatch.setenv("SSLKEYLOGFILE", str(log))
        chat = make(KEY, server.base_url, ca_file=authority.file, trust_env=trust_env)
        assert (await Line(chat).ask()).code is Code.OK
        await chat.close()
    assert log.exists() == trust_env


async def test_failures_over_tls_are_what_they_are_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A reset in the body, a hanging server, a server that speaks no TLS."""
    authority = Authority(tmp_path)
    async with FaultyProvider(authority.server()) as server:
        chat = OpenAIChat(KEY, server.base_url, ca_file=authority.file)
        with nothing_said(caplog):
            for behaviour, reason in ((server.reset_in_body, Reason.CONNECTION), (server.half_a_body, Reason.TIMEOUT)):
                server.once.append(behaviour)
                line = Line(chat, call_timeout_seconds=2.0)
                assert ((await line.ask()).code, [fact.reason for fact in line.telemetry.of(CallRetried)]) == (Code.OK, [reason.value])
            await chat.close()
    async with FaultyProvider() as server:
        end = await ends(OpenAIChat(KEY, server.base_url.replace("http:", "https:"), ca_file=authority.file), caplog)
    assert end == (Code.PROVIDER_FAILED, 2, {Reason.CONNECTION}, True)
    assert server.requests == []


def test_authorities_that_cannot_be_read_are_a_mistake_in_the_settings(tmp_path: Path) -> None:
    """Found when built, not at the first call."""
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for file in (empty, tmp_path / "missing.pem"):
        with pytest.raises(ConfigError, match="ca_file"):
            OpenAIChat(KEY, "https://models.example/v1", ca_file=file)

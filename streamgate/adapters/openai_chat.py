"""The chat completions API of OpenAI and of servers compatible with it, behind the port ``streamgate.provider.ChatModel``.

What is guaranteed:

- one attempt per call: neither the SDK's retries nor redirects, which would carry the prompt to another host;
- it ends after ``timeout_seconds`` of wall-clock time, also against a server that sends one byte a second;
- ``store`` is false, and the data subject goes out as ``safety_identifier``, a keyed digest, only;
- what is raised holds neither the prompt nor the reply, not even as a cause or context; the SDK's and its HTTP client's loggers are
  held at WARNING, whatever the application's level;
- TLS is verified; proxies, endpoints, organisations and key logs of the environment are not heeded unless ``trust_env`` says so.

Not here: retries, budgets and what a failure means (``streamgate.provider``).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, Literal

import httpx2
import openai
from openai import AsyncOpenAI

from streamgate.adapters._authorities import authorities
from streamgate.errors import ConfigError
from streamgate.provider import (
    CallFailed,
    ChatCall,
    ChatReply,
    InvalidReply,
    Reason,
    classify,
    error_codes,
    failed,
    rate_headers,
    read_reply,
    retry_after_seconds,
)
from streamgate.types import MaskedMessage, MaskedText

OPENAI_URL: Final = "https://api.openai.com/v1"
OutputLimit = Literal["max_completion_tokens", "max_tokens"]
_LOGGERS: Final = ("openai", "httpx2", "httpcore2")


class OpenAIChat:
    """One endpoint and its credentials. Safe for many calls at once; to be closed."""

    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        *,
        trust_env: bool = False,
        ca_file: Path | None = None,
        output_limit: OutputLimit | None = None,
        connect_timeout_seconds: float = 5.0,
        max_reply_bytes: int = 1_500_000,
        max_connections: int = 256,
        wall_seconds: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is connected yet.

        ``output_limit`` names the parameter for the most tokens of an answer; ``None`` takes OpenAI's for OpenAI, and the older
        ``max_tokens``, which is all that most compatible servers know, for any other ``base_url``. ``ca_file`` names the authorities whose
        certificates count, in place of the system's.
        """
        _silence_loggers()
        if not api_key:
            raise ConfigError(("egress.api_key_file: the key is empty; write what the provider gives",))
        url = OPENAI_URL if base_url is None else base_url
        self._output_limit: OutputLimit = output_limit or ("max_completion_tokens" if url.startswith(OPENAI_URL) else "max_tokens")
        self._connect_timeout_seconds = connect_timeout_seconds
        self._max_reply_bytes = max_reply_bytes
        self._wall_seconds = wall_seconds
        http = httpx2.AsyncClient(
            verify=True if ca_file is None else authorities(ca_file, trust_env=trust_env),
            trust_env=trust_env,
            follow_redirects=False,
            # Compression is declined: a small body could unfold to any size.
            headers={"accept-encoding": "identity"},
            event_hooks={"response": [self._bound]},
            limits=httpx2.Limits(max_connections=max_connections, max_keepalive_connections=max_connections),
        )
        try:
            self._client = AsyncOpenAI(api_key=api_key, base_url=url, max_retries=0, http_client=http)
        except (openai.OpenAIError, ValueError):
            raise ConfigError(("egress.base_url: no URL; write what the provider gives",)) from None
        if not trust_env:
            self._client.organization = self._client.project = None
            self._client._custom_headers = {}  # noqa: SLF001  else OPENAI_CUSTOM_HEADERS of the environment, which may replace the key

    def __repr__(self) -> str:
        """Show where it leads, no credentials."""
        return f"OpenAIChat({self._client.base_url.host})"

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def complete(self, call: ChatCall, timeout_seconds: float) -> ChatReply:
        """See :class:`streamgate.provider.ChatModel`."""
        outcome = await self._attempt(self._parameters(call), call.model, timeout_seconds)
        if isinstance(outcome, CallFailed):
            # Raised here and not in an ``except`` block: there the SDK's exception, which holds both bodies, would become its context.
            raise outcome
        return outcome

    def _parameters(self, call: ChatCall) -> dict[str, Any]:
        chosen = call.parameters
        optional = {
            "temperature": chosen.temperature,
            "top_p": chosen.top_p,
            "seed": chosen.seed,
            "stop": list(chosen.stop) or None,
            self._output_limit: chosen.max_output_tokens,
        }
        return {
            "model": call.model,
            "messages": [_message(message) for message in call.messages],
            "n": 1,
            "store": False,
            "safety_identifier": call.safety_identifier,
            **{name: value for name, value in optional.items() if value is not None},
        }

    async def _attempt(self, parameters: dict[str, Any], model: str, timeout_seconds: float) -> ChatReply | CallFailed:
        response = await self._response(parameters, timeout_seconds)
        if isinstance(response, Reason):
            return failed(response)
        headers = _lower(response)
        limits = rate_headers(headers)
        if not response.is_success:
            return failed(
                classify(response.status_code, error_codes(response.content)),
                again=headers.get("x-should-retry") != "false",
                retry_after_seconds=retry_after_seconds(headers, self._wall_seconds()),
                limits=limits,
            )
        reply = read_reply(response.content, model, headers.get("x-request-id"), limits)
        return failed(reply.reason, limits=limits, usage=reply.usage) if isinstance(reply, InvalidReply) else reply

    async def _response(self, parameters: dict[str, Any], timeout_seconds: float) -> httpx2.Response | Reason:
        """Whatever was answered. It is read by the caller: nothing that could raise runs while the SDK's exception is being handled."""
        timeout = httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, self._connect_timeout_seconds))
        try:
            async with asyncio.timeout(timeout_seconds):
                raw = await self._client.chat.completions.with_raw_response.create(**parameters, timeout=timeout)
        except openai.APIStatusError as error:
            return error.response
        except Exception as error:  # noqa: BLE001  whatever else the SDK raises may quote the prompt or the reply, and must not travel on
            return _reason(error)
        response: httpx2.Response = raw.http_response
        return response

    async def _bound(self, response: httpx2.Response) -> None:
        """Runs when the headers are there and the body is not: replaces its stream by one that ends at the limit."""
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise _Encoded
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _BoundedStream(response.stream, self._max_reply_bytes)


class _Oversize(Exception):
    """A body went over the limit."""


class _Encoded(Exception):
    """A body is compressed, though that was declined."""


class _BoundedStream(httpx2.AsyncByteStream):
    """A response body that raises :class:`_Oversize` instead of going over a limit."""

    def __init__(self, stream: httpx2.AsyncByteStream, most_bytes: int) -> None:
        self._stream = stream
        self._left = most_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise _Oversize
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def _reason(error: Exception) -> Reason:
    """Why there was no reply at all."""
    if isinstance(error, (TimeoutError, openai.APITimeoutError)):
        return Reason.TIMEOUT
    if isinstance(error, openai.APIConnectionError):
        return Reason.UNTRUSTED if _untrusted(error) else Reason.CONNECTION
    if isinstance(error, _Oversize):
        return Reason.OVERSIZE
    return Reason.WRONG_SHAPE if isinstance(error, _Encoded) else Reason.UNEXPECTED


def _untrusted(error: BaseException | None) -> bool:
    """Whether it came from a certificate that does not hold. httpx2 keeps what it translates as a cause or context."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _message(message: MaskedMessage) -> dict[str, str]:
    """One message for the wire; the only place where masked text is taken out of its type."""
    if not isinstance(message, MaskedMessage) or not isinstance(message.content, MaskedText):
        raise TypeError("only masked messages can be sent")
    tool_call = {} if message.tool_call_id is None else {"tool_call_id": message.tool_call_id}
    return {"role": message.role, "content": message.content.text, **tool_call}


def _lower(response: httpx2.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _at_least_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def _silence_loggers() -> None:
    """Hold the loggers of the SDK and its HTTP client at WARNING: below, they may show request options, URLs and headers.

    The filter stays when somebody (``OPENAI_LOG``, a logging configuration) lowers the level afterwards. Repeating this changes nothing.
    """
    known = [name for name in logging.root.manager.loggerDict if name.split(".", 1)[0] in _LOGGERS]
    for name in (*_LOGGERS, *known):
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.addFilter(_at_least_warning)

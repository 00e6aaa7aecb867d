"""A schema registry that speaks the Confluent REST API: implements ``streamgate.codec.RegistryClient``."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Final, Self

import aiohttp

from streamgate.errors import Code, Unavailable, Unreadable

MOST_BYTES: Final = 1_048_576
NOT_FOUND: Final = 404
OK: Final = 200


class ConfluentRegistry:
    """``GET /schemas/ids/{id}``. Ids never change their schema, so answers are kept by the decoder above."""

    def __init__(self, base_url: str, *, auth: tuple[str, str] | None = None, timeout_seconds: float = 10.0) -> None:
        """``auth`` is user and password for basic authentication. Connects on first use."""
        self._base = base_url.rstrip("/")
        self._auth = None if auth is None else aiohttp.BasicAuth(*auth)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Nothing to do before the first request."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Disconnect."""
        await self.close()

    async def close(self) -> None:
        """Disconnect."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def schema_text(self, schema_id: int) -> str:
        """See the port."""
        if self._session is None:
            self._session = aiohttp.ClientSession(auth=self._auth, timeout=self._timeout, trust_env=False)
        try:
            async with self._session.get(f"{self._base}/schemas/ids/{schema_id}", allow_redirects=False) as response:
                if response.status == NOT_FOUND:
                    raise Unreadable(Code.UNKNOWN_SCHEMA)
                body = await response.content.read(MOST_BYTES + 1)
                if response.status != OK or len(body) > MOST_BYTES:
                    raise Unavailable(Code.UNKNOWN_SCHEMA, "registry")
                document = json.loads(body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise Unavailable(Code.UNKNOWN_SCHEMA, "registry") from None
        text = document.get("schema") if isinstance(document, dict) else None
        if not isinstance(text, str):
            raise Unavailable(Code.UNKNOWN_SCHEMA, "registry")
        return text

"""When another model may help, and who answers for which provider. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from streamgate.provider._call import ChatCall, ChatModel, ChatReply
from streamgate.provider._failure import Reason

FALLS_BACK: Final = frozenset(
    {
        Reason.RATE_LIMITED,
        Reason.OVERLOADED,
        Reason.SERVER_ERROR,
        Reason.TIMEOUT,
        Reason.CONNECTION,
        Reason.CONFLICT,
        Reason.UNTRUSTED,
        Reason.NOT_JSON,
        Reason.QUOTA_SPENT,
        Reason.UNAUTHORISED,
        Reason.NOT_FOUND,
    }
)
"""Failures of the provider. What it declines, or finds too long or malformed, is the prompt's: no other provider sees it for that."""


@unique
class Left(StrEnum):
    """Why a model was left without a call of it having failed; closed, as metrics name it."""

    BREAKER_OPEN = "breaker_open"
    NO_ROOM = "no_room"
    """Its limits leave no room before the deadline."""
    NO_CREDENTIALS = "no_credentials"
    """The policy names its provider, and egress has no credentials for it."""


@dataclass(frozen=True, slots=True)
class Providers:
    """Every provider that this worker has credentials for; implements :class:`streamgate.provider.ChatModel`."""

    by_name: Mapping[str, ChatModel]

    def __contains__(self, provider: object) -> bool:
        """Whether there are credentials."""
        return provider in self.by_name

    async def complete(self, call: ChatCall, timeout_seconds: float) -> ChatReply:
        """See :class:`streamgate.provider.ChatModel`."""
        return await self.by_name[call.provider].complete(call, timeout_seconds)

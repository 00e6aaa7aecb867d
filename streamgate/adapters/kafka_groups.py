"""Consumer groups from outside: who is in them, and what they have committed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aiokafka.errors import GroupIdNotFound, for_code

from streamgate.adapters._admin import Admin

_EMPTY: Final = frozenset({"Empty", "Dead"})


class KafkaGroups(Admin):
    """``async with KafkaGroups(connection) as groups``."""

    async def busy(self, groups: Iterable[str]) -> tuple[str, ...]:
        """Those that have members, or had until their session ends."""
        return tuple([group for group in groups if await self._state(group) not in _EMPTY])

    async def _state(self, name: str) -> str:
        # One at a time: aiokafka reads version 3 of the answer by the grammar of version 2, which fits up to the first group's end.
        (response,) = await self._admin.describe_consumer_groups([name])
        (group,) = response.to_object()["groups"]
        if group["error_code"] not in {0, GroupIdNotFound.errno}:
            raise for_code(group["error_code"])(name)
        return "Dead" if group["error_code"] else str(group["state"])

    async def committed(self, group: str) -> dict[tuple[str, int], tuple[int, str]]:
        """Offset and metadata by topic and partition, where there are any."""
        found = await self._admin.list_consumer_group_offsets(group)
        return {(place.topic, place.partition): (each.offset, each.metadata) for place, each in found.items() if each.offset >= 0}

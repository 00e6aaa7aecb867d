"""Reads records of the topics that others write: a registry may have to be asked, and the subject's key must fit the place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from streamgate.codec import Decoded, Decoder
from streamgate.effects import Clock, Sleeper
from streamgate.errors import Code, Unavailable, Unreadable
from streamgate.pipeline._screen import partition_of
from streamgate.types import Inbound, Subject

PAUSE_SECONDS: Final = 0.5
"""Between two questions to something that is down."""
REGISTRY_WAIT_SECONDS: Final = 600.0
"""How long a registry that is down is asked again. An id that only a lost registry knew must not hold up its partition for ever."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What the stages over prompts, consents and subject-requests share."""

    decoder: Decoder
    clock: Clock
    sleeper: Sleeper
    partitions: int

    async def read(self, topic: str, record: Inbound) -> Decoded:
        """Decode; raise ``Unreadable``, with ``UNKNOWN_SCHEMA`` where the registry stays down."""
        give_up = self.clock.monotonic() + REGISTRY_WAIT_SECONDS
        while True:
            try:
                return await self.decoder.decode(topic, record.value)
            except Unavailable:
                if self.clock.monotonic() >= give_up:
                    raise Unreadable(Code.UNKNOWN_SCHEMA) from None
                await self.sleeper.sleep(PAUSE_SECONDS)

    async def read_of_subject(self, topic: str, record: Inbound) -> tuple[Subject, dict[str, Any]]:
        """Decode an event with ``tenant`` and ``subject``; raise ``Unreadable``, also where it stands in the wrong place."""
        fields = (await self.read(topic, record)).record
        subject = Subject(fields["tenant"], fields["subject"])
        misplaced = self.misplaced(record, subject)
        if misplaced is not None:
            raise Unreadable(misplaced)
        return subject, fields

    def misplaced(self, record: Inbound, subject: Subject) -> Code | None:
        """``None`` where a record is keyed by its subject and stands on that key's partition, else the code."""
        if record.key != subject.key():
            return Code.BAD_KEY
        return None if partition_of(record.key, self.partitions) == record.partition else Code.WRONG_PARTITION

"""Notarise: audit events of all roles in, one signed chain per partition out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from streamgate.audit import Chain, ChainHead, Signer
from streamgate.codec import Decoder, Schema, encode
from streamgate.errors import Code, RecordError, Unavailable
from streamgate.pipeline._letters import DeadLetters
from streamgate.pipeline.ports.stage import LARGEST_OUTPUT_BYTES, Effects, Output, Prepared, StateView
from streamgate.telemetry import AuditChained, DeadLettered
from streamgate.types import Inbound, Topic

LARGEST_EVENT_BYTES: Final = LARGEST_OUTPUT_BYTES // 2
"""Whatever is appended to a chain must be published: its entry has to fit."""


class HeadReader(Protocol):
    """Reads where the chain of a partition stands."""

    async def last(self, partition: int) -> bytes | None:
        """The value of the last record on the audit topic's partition, or ``None`` when it is empty. Raises ``Unavailable``."""
        ...


@dataclass(slots=True)
class _Chains:
    """The chains that this worker continues, since it took their partitions over."""

    by_partition: dict[int, Chain] = field(default_factory=dict)
    reading: dict[int, asyncio.Lock] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notarise:
    """The stage over ``audit-events``; ordered, so that the chain has the order of the topic."""

    decoder: Decoder
    entries: Schema
    signer: Signer
    heads: HeadReader
    letters: DeadLetters
    chains: _Chains = field(default_factory=_Chains)
    topic: str = Topic.AUDIT_EVENTS
    ordered: bool = True

    def poisoned(self, record: Inbound) -> Prepared:
        """Dead-letter an event on which our own code failed."""
        return _Unreadable(self, record, Code.INTERNAL_ERROR)

    async def prepare(self, record: Inbound) -> Prepared:
        """Read the event, and the chain's head where this is the first one since the partition was taken over."""
        async with self.chains.reading.setdefault(record.partition, asyncio.Lock()):
            if record.partition not in self.chains.by_partition:
                await self._look(record.partition)
        if len(record.value or b"") > LARGEST_EVENT_BYTES:
            return _Unreadable(self, record, Code.INTERNAL_ERROR)
        try:
            event = (await self.decoder.decode(self.topic, record.value)).record
        except (RecordError, Unavailable) as error:
            return _Unreadable(self, record, error.code)
        return _Event(self, record, event)

    def forget_chains(self) -> None:
        """Partitions are given up: others may go on with their chains, and what was chained last may not have been published."""
        self.chains.by_partition.clear()
        self.chains.reading.clear()

    async def _look(self, partition: int) -> None:
        value = await self.heads.last(partition)
        entry = None if value is None else (await self.decoder.decode(Topic.AUDIT, value)).record
        head = None if entry is None else ChainHead(entry["sequence"], entry["source_offset"], entry["hash"])
        self.chains.by_partition[partition] = Chain.start(head)


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """An event that cannot be read is kept, sealed, and counted."""

    stage: Notarise
    record: Inbound
    code: Code

    def decide(self, partition: int, state: StateView) -> Effects:
        """Only the letter: an audit event about it would come back to this very topic."""
        del partition, state
        letter, _ = self.stage.letters.outputs(self.record, self.code)
        return Effects(outputs=(letter,), facts=(DeadLettered(self.record.topic, self.code),))


@dataclass(frozen=True, slots=True, repr=False)
class _Event:
    """One event, ready to be chained."""

    stage: Notarise
    record: Inbound
    event: dict[str, Any]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Append; an event that stands in the chain already is skipped."""
        del state
        chain = self.stage.chains.by_partition[partition]
        entry = chain.append(self.record.value or b"", self.record.offset, self.stage.signer)
        if entry is None:
            return Effects()
        output = Output(Topic.AUDIT, self.event["reference"], encode(self.stage.entries, entry))
        return Effects(outputs=(output,), facts=(AuditChained(self.event["fact"]),))

"""Notarise: audit events of all roles in, one signed chain per partition out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from streamgate.audit import Chain, ChainHead, Signer
from streamgate.codec import Decoder, Schema, encode
from streamgate.errors import Code, RecordError, Unavailable
from streamgate.pipeline._publish import DeadLetters
from streamgate.pipeline.ports.stage import Effects, Output, Prepared, StateView
from streamgate.telemetry import AuditChained, DeadLettered
from streamgate.types import Inbound, Topic


class HeadReader(Protocol):
    """Reads where the chain of a partition stands."""

    async def last(self, partition: int) -> bytes | None:
        """The value of the last record on the audit topic's partition, or ``None`` when it is empty. Raises ``Unavailable``."""
        ...


@dataclass(frozen=True, slots=True)
class _Found:
    """A head that was read, and whether it was read because events came again."""

    head: ChainHead | None
    again: bool


@dataclass(slots=True)
class _Chains:
    """The chains this worker continues, and which offset it expects next of each partition."""

    by_partition: dict[int, Chain] = field(default_factory=dict)
    prepared: dict[int, int] = field(default_factory=dict)
    found: dict[int, _Found] = field(default_factory=dict)
    """Heads that were read and not taken over yet."""

    def take_over(self, partition: int) -> Chain:
        """The chain of a partition, from the head that was read last; raise where none ever was, so that no chain begins anew.

        Where events come again, what was chained here may not have been published: the log's head wins. Otherwise the log may only lag
        behind what is being published now, so it wins where another worker has gone on from ours.
        """
        chain, found = self.by_partition.get(partition), self.found.pop(partition, None)
        if found is None:
            if chain is None:
                raise Unavailable(Code.INTERNAL_ERROR, "the chain's head was not read")
            return chain
        ahead = found.head is not None and (chain is None or chain.head is None or found.head.sequence > chain.head.sequence)
        if chain is None or found.again or ahead:
            chain = self.by_partition[partition] = Chain.start(found.head)
        return chain


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
        """Read the event; read the chain's head where this worker has not handled the event before it."""
        expected = self.chains.prepared.get(record.partition)
        self.chains.prepared[record.partition] = record.offset + 1
        if expected != record.offset:
            await self._look(record.partition, again=expected is not None and record.offset < expected)
        try:
            event = (await self.decoder.decode(self.topic, record.value)).record
        except (RecordError, Unavailable) as error:
            return _Unreadable(self, record, error.code)
        return _Event(self, record, event)

    async def _look(self, partition: int, *, again: bool) -> None:
        """Read the head; where that fails, the next event looks."""
        try:
            value = await self.heads.last(partition)
            entry = None if value is None else (await self.decoder.decode(Topic.AUDIT, value)).record
        except BaseException:
            self.chains.prepared.pop(partition, None)
            raise
        head = None if entry is None else ChainHead(entry["sequence"], entry["source_offset"], entry["hash"])
        waiting = self.chains.found.get(partition)
        self.chains.found[partition] = _Found(head, again or (waiting is not None and waiting.again))


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


@dataclass(frozen=True, slots=True)
class _Event:
    """One event, ready to be chained."""

    stage: Notarise
    record: Inbound
    event: dict[str, Any]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Append; an event that stands in the chain already is skipped."""
        del state
        chain = self.stage.chains.take_over(partition)
        entry = chain.append(self.record.value or b"", self.record.offset, self.stage.signer)
        if entry is None:
            return Effects()
        output = Output(Topic.AUDIT, self.event["reference"], encode(self.stage.entries, entry))
        return Effects(outputs=(output,), facts=(AuditChained(self.event["fact"]),))

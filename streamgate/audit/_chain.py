"""Appends to the chain of one partition. Pure but for the signer; what it makes is published and stored by the caller."""

from __future__ import annotations

from typing import Any

from streamgate.audit._entry import GENESIS, ChainHead, Signer, entry_hash


class Chain:
    """The chain of one partition, from its head on.

    The head belongs in the same transaction as the entry: a head that is ahead of the log reads as a gap for ever.
    """

    def __init__(self, head: ChainHead | None) -> None:
        """See :meth:`start`."""
        self._head = head

    @classmethod
    def start(cls, head: ChainHead | None) -> Chain:
        """Go on after ``head``, or begin a new chain where there is none."""
        return cls(head)

    @property
    def head(self) -> ChainHead | None:
        """The last entry, or ``None`` before the first."""
        return self._head

    def append(self, event_bytes: bytes, source_offset: int, signer: Signer) -> dict[str, Any] | None:
        """The next entry, by the field names of ``schemas/audit/v1.avsc``; ``None`` for an event that is in the chain already.

        An offset at or before the head's was chained before: Kafka delivered it again (at least once), and it is skipped.
        """
        if source_offset < 0:
            raise ValueError("audit chain: a source offset is not negative")
        head = self._head
        if head is not None and source_offset <= head.source_offset:
            return None
        sequence = 0 if head is None else head.sequence + 1
        previous = GENESIS if head is None else head.hash
        digest = entry_hash(sequence, source_offset, previous, event_bytes)
        signature = signer.sign(digest)
        self._head = ChainHead(sequence, source_offset, digest)
        return {
            "sequence": sequence,
            "source_offset": source_offset,
            "previous": previous,
            "event": event_bytes,
            "hash": digest,
            "key_id": signer.key_id,
            "signature": signature,
        }

"""A stage is a use case over one input topic, in two steps.

``prepare`` is async, runs for many records at once and may read, wait and call. What it returns is asked to ``decide``: synchronously, one
record at a time per partition number over all input topics of the role, so a decision sees every earlier decision and
the events of one data subject are serial. The effects of a decision, ``rows``, ``outputs``, the rows that ``Output.settle`` makes of the
offsets, and the progress of the input, are one transaction; ``facts`` are emitted when Kafka has it. The embedded broker has no
transactions: there they are written in that order, each acknowledged before the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from streamgate.telemetry import Fact
from streamgate.types import Inbound

LARGEST_OUTPUT_BYTES: Final = 3_900_000
"""Key, value and headers of one record that a worker publishes; what the topics take, less room for the record's frame."""


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One row of the role's state, on the partition being decided. ``value=None`` is a tombstone."""

    key: bytes
    value: bytes | None

    def __repr__(self) -> str:
        """Show sizes only."""
        return f"Row({self.key[:1]!r}, {len(self.value or b'')} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class Settle:
    """A row that records where an output stands. No other decision sees the row before it is written."""

    key: bytes
    value: Callable[[int], bytes]
    """Given the offset that Kafka acknowledged, the row's value."""

    def row(self, offset: int) -> Row:
        """The row, once the offset is known."""
        return Row(self.key, self.value(offset))

    def __repr__(self) -> str:
        """Show the kind of row only."""
        return f"Settle({self.key[:1]!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Output:
    """One record to publish on ``topic`` (a logical name), always on the partition number being decided."""

    topic: str
    key: bytes | None
    value: bytes | None
    settle: Settle | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def size(self) -> int:
        """Bytes of key, value and headers."""
        headers = sum(len(name.encode()) + len(held or b"") for name, held in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers

    def __repr__(self) -> str:
        """Show sizes only."""
        return f"Output({self.topic}, {len(self.value or b'')} bytes)"


@dataclass(frozen=True, slots=True)
class Effects:
    """What one decision wants done."""

    rows: tuple[Row, ...] = ()
    outputs: tuple[Output, ...] = ()
    facts: tuple[Fact, ...] = ()


class StateView(Protocol):
    """The role's state on one partition, with every decision so far applied."""

    def get(self, key: bytes) -> bytes | None:
        """The row's value, or ``None``. Raises :class:`Unsettled`."""
        ...

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows whose key starts with ``prefix``, in key order. Raises :class:`Unsettled`."""
        ...


class Stale(Exception):
    """What was prepared has aged while it waited to be decided: it is prepared again."""


class Unsettled(Stale):
    """A row was asked for that an earlier decision of the same transaction has still to settle: it is decided in the next one."""


class Prepared(Protocol):
    """A record that is ready to be decided."""

    def decide(self, partition: int, state: StateView) -> Effects:
        """Pure over ``state``; takes no time to speak of. Raises :class:`Stale`, and nothing else on account of the record."""
        ...


class Stage(Protocol):
    """A use case over one input topic."""

    @property
    def topic(self) -> str:
        """The logical input topic."""
        ...

    @property
    def ordered(self) -> bool:
        """Whether records are decided strictly in the order of their offsets."""
        ...

    async def prepare(self, record: Inbound) -> Prepared:
        """Never raises on account of the record: what is wrong with it becomes part of what is returned."""
        ...

    def poisoned(self, record: Inbound) -> Prepared:
        """What to decide when ``prepare`` or ``decide`` raised after all, or ran past the runtime's own limit."""
        ...


class Sweep(Protocol):
    """Finds what is overdue in the state of a partition."""

    def due(self, partition: int, state: StateView) -> tuple[Prepared, ...]:
        """Called about once a second for each partition this worker owns."""
        ...

"""A role's state: rows in key order, by partition. The changelog in Kafka is the state; this is its copy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from sortedcontainers import SortedDict

from streamgate.pipeline.ports.stage import Effects, Row, Unsettled


class RowStore(Protocol):
    """Rows of the partitions that this worker owns, as of a position in the changelog. Implements ``KnownRows``."""

    def open(self) -> None:
        """Before anything else; ``ConfigError`` where it cannot be had."""
        ...

    def close(self) -> None:
        """What is kept can be opened again."""
        ...

    def get(self, partition: int, key: bytes) -> bytes | None:
        """See ``KnownRows``."""
        ...

    def scan(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """See ``KnownRows``."""
        ...

    def apply(self, partition: int, rows: Iterable[Row], position: int | None = None) -> None:
        """Take over rows that Kafka has, together with the position after them; ``None`` leaves that as it is."""
        ...

    def position(self, partition: int) -> int | None:
        """Where to read the changelog on; ``None``: from its beginning."""
        ...

    def drop(self, partition: int) -> None:
        """Forget everything of a partition."""
        ...

    def keep_only(self, partitions: Iterable[int]) -> None:
        """Drop every other partition."""
        ...

    def count(self) -> int:
        """How many rows are held, about."""
        ...

    def tend(self, owned: Iterable[int]) -> None:
        """What has to be done about once a minute; may be called in a thread. ``owned`` are as the changelog says now."""
        ...


class Rows:
    """In memory. Implements :class:`RowStore`."""

    __slots__ = ("_partitions", "_positions")

    def __init__(self) -> None:
        """Empty until recovery has read the changelog."""
        self._partitions: dict[int, SortedDict] = {}
        self._positions: dict[int, int] = {}

    def open(self) -> None:
        """See :class:`RowStore`."""

    def close(self) -> None:
        """See :class:`RowStore`."""

    def get(self, partition: int, key: bytes) -> bytes | None:
        """See ``KnownRows``."""
        rows = self._partitions.get(partition)
        value: bytes | None = rows.get(key) if rows is not None else None
        return value

    def scan(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Rows whose key starts with ``prefix``, in key order."""
        rows = self._partitions.get(partition)
        if rows is None:
            return
        for key in rows.irange(prefix):
            if not key.startswith(prefix):
                return
            yield key, rows[key]

    def apply(self, partition: int, rows: Iterable[Row], position: int | None = None) -> None:
        """See :class:`RowStore`."""
        held = self._partitions.get(partition)
        if held is None:
            held = self._partitions[partition] = SortedDict()
        for row in rows:
            if row.value is None:
                held.pop(row.key, None)
            else:
                held[row.key] = row.value
        if position is not None:
            self._positions[partition] = position

    def position(self, partition: int) -> int | None:
        """See :class:`RowStore`."""
        return self._positions.get(partition)

    def drop(self, partition: int) -> None:
        """See :class:`RowStore`."""
        self._partitions.pop(partition, None)
        self._positions.pop(partition, None)

    def keep_only(self, partitions: Iterable[int]) -> None:
        """See :class:`RowStore`."""
        for partition in self._partitions.keys() - set(partitions):
            self.drop(partition)

    def count(self) -> int:
        """See :class:`RowStore`."""
        return sum(len(rows) for rows in self._partitions.values())

    def tend(self, owned: Iterable[int]) -> None:
        """See :class:`RowStore`."""


class Overlay:
    """The state of one partition with the decisions of the present batch applied; implements ``StateView``.

    Reading a row that a decision of the same batch has still to settle raises ``Unsettled``: whoever asked decides in the next batch.
    """

    __slots__ = ("_changes", "_partition", "_rows", "_unsettled")

    def __init__(self, rows: RowStore, partition: int) -> None:
        """Begin with what is committed."""
        self._rows = rows
        self._partition = partition
        self._changes: SortedDict = SortedDict()
        self._unsettled: set[bytes] = set()

    def put(self, effects: Effects) -> None:
        """Apply a decision."""
        for row in effects.rows:
            self._changes[row.key] = row.value
        self._unsettled.update(output.settle.key for output in effects.outputs if output.settle is not None)

    def get(self, key: bytes) -> bytes | None:
        """See ``StateView``."""
        if key in self._unsettled:
            raise Unsettled
        if key in self._changes:
            value: bytes | None = self._changes[key]
            return value
        return self._rows.get(self._partition, key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """See ``StateView``."""
        if any(key.startswith(prefix) for key in self._unsettled):
            raise Unsettled
        if not self._changes:
            return self._rows.scan(self._partition, prefix)
        found = dict(self._rows.scan(self._partition, prefix))
        for key in self._changes.irange(prefix):
            if not key.startswith(prefix):
                break
            value = self._changes[key]
            if value is None:
                found.pop(key, None)
            else:
                found[key] = value
        return iter(sorted(found.items()))

"""A role's state: rows in key order, one map per partition. The changelog in Kafka is the state; this is its copy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sortedcontainers import SortedDict

from streamgate.pipeline.ports.stage import Effects, Unsettled


class Rows:
    """All rows of the partitions this worker owns."""

    __slots__ = ("_partitions",)

    def __init__(self) -> None:
        """Empty until recovery has read the changelog."""
        self._partitions: dict[int, SortedDict] = {}

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

    def apply(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Take over a row that Kafka has; ``None`` deletes it."""
        rows = self._partitions.get(partition)
        if rows is None:
            rows = self._partitions[partition] = SortedDict()
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value

    def keep_only(self, partitions: Iterable[int]) -> None:
        """Drop the rows of every other partition."""
        kept = set(partitions)
        for partition in [p for p in self._partitions if p not in kept]:
            del self._partitions[partition]

    def count(self) -> int:
        """How many rows are held."""
        return sum(len(rows) for rows in self._partitions.values())


class Overlay:
    """The state of one partition with the decisions of the present batch applied; implements ``StateView``.

    Reading a row that a decision of the same batch has still to settle raises ``Unsettled``: whoever asked decides in the next batch.
    """

    __slots__ = ("_changes", "_partition", "_rows", "_unsettled")

    def __init__(self, rows: Rows, partition: int) -> None:
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

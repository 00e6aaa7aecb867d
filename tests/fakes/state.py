"""A role's state in a dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from streamgate.pipeline.ports.stage import Effects, Row


class FakeState:
    """The state of one partition; implements ``StateView``, and ``KnownRows`` through :attr:`reader`."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter(sorted((key, value) for key, value in self.rows.items() if key.startswith(prefix)))

    def apply(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if row.value is None:
                self.rows.pop(row.key, None)
            else:
                self.rows[row.key] = row.value

    def carry_out(self, effects: Effects, first_offset: int = 0) -> None:
        """Do to the state what the runtime would: rows, then the rows that the outputs' offsets settle."""
        self.apply(effects.rows)
        self.apply(o.settle.row(first_offset + i) for i, o in enumerate(effects.outputs) if o.settle is not None)

    @property
    def reader(self) -> FakeStateReader:
        return FakeStateReader(self)


class FakeStateReader:
    """Every partition is the same one."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self._state.get(key)

    def scan(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        return self._state.scan(prefix)

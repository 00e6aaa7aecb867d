"""A role's rows in RocksDB: more of them than memory holds, and no reading back after a kill.

Rows and the changelog position after them are one batch, so whatever a crash leaves is the state as of some position. There is no
write-ahead log: what a kill takes of the last minute is read from the changelog again, and an erased row stands in no log file.

Keys: ``r``, partition (4, big-endian), row key. ``m``, partition: version byte 1, position (8), wall clock of the last time that this was
the changelog's end (8, ms).
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from rocksdict import (
    AccessType,
    BlockBasedOptions,
    BottommostLevelCompaction,
    Cache,
    CompactOptions,
    Options,
    Rdict,
    WriteBatch,
    WriteOptions,
)
from sortedcontainers import SortedDict

from streamgate.effects import Clock
from streamgate.errors import ConfigError
from streamgate.pipeline.ports.stage import Row

WRITE_BUFFER_BYTES: Final = 8 * 1024 * 1024
BLOCK_CACHE_BYTES: Final = 32 * 1024 * 1024
OPEN_FILES: Final = 128
STALE_MS: Final = 20 * 3600 * 1000
"""Older copies are dropped: a tombstone leaves the changelog after a day (``delete.retention.ms``), and what it deleted would come back."""
COMPACT_EVERY_MS: Final = 1800 * 1000
"""Deleted rows leave the disk within this time, while the worker runs."""
HOT: Final = b"T"
"""Rows with this prefix come and go within minutes and are scanned every second: they are held in memory too."""
_VERSION: Final = 1


class DiskRows:
    """Implements ``RowStore``. One process at a time may have the directory open."""

    def __init__(self, directory: Path, clock: Clock, partitions: int) -> None:
        """Not open. A copy made with another count of ``partitions`` is of no use and is dropped when this one is opened."""
        self._directory = directory / f"{partitions}-partitions"
        self._clock = clock
        self._db: Rdict | None = None
        self._write = _without_log(WriteOptions())
        self._hot: dict[int, SortedDict] = {}
        self._positions: dict[int, int] = {}
        self._deleted = False
        self._compacted_ms = 0
        self._tending = threading.Lock()

    def open(self) -> None:
        """See ``RowStore``."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for other in self._directory.parent.glob("*-partitions"):
                if other != self._directory:
                    shutil.rmtree(other)  # or what is erased from now on would stay there
            self._db = Rdict(str(self._directory), _options(), access_type=AccessType.read_write())
        except Exception as error:  # noqa: BLE001  RocksDB raises this very class
            what = f"cannot be opened ({type(error).__name__})"
            raise ConfigError((f"runtime.state_directory: {what}; another worker may have it open, or it is not writable",)) from None
        self._compacted_ms = now_ms = self._clock.now_ms()
        for key, value in self._between(b"m"):
            partition = int.from_bytes(key[1:5], "big")
            as_of_ms = int.from_bytes(value[9:17], "big")
            self._positions[partition] = int.from_bytes(value[1:9], "big")
            if value[0] != _VERSION or not as_of_ms <= now_ms < as_of_ms + STALE_MS:
                self.drop(partition)
        for partition in self._positions:
            self._hot[partition] = SortedDict((key[5:], value) for key, value in self._between(_place(partition, HOT)))

    def close(self) -> None:
        """See ``RowStore``."""
        with self._tending:
            db, self._db = self._db, None
            if db is not None:
                db.flush()
                db.close()
        self._hot.clear()
        self._positions.clear()

    def get(self, partition: int, key: bytes) -> bytes | None:
        """See ``KnownRows``."""
        if key.startswith(HOT):
            rows = self._hot.get(partition)
            hot: bytes | None = rows.get(key) if rows is not None else None
            return hot
        value: bytes | None = self._store.get(_place(partition, key))
        return value

    def scan(self, partition: int, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """See ``KnownRows``."""
        if not prefix.startswith(HOT):
            for key, value in self._between(_place(partition, prefix)):
                yield key[5:], value
            return
        rows = self._hot.get(partition, SortedDict())
        for key in rows.irange(prefix):
            if not key.startswith(prefix):
                return
            yield key, rows[key]

    def apply(self, partition: int, rows: Iterable[Row], position: int | None = None) -> None:
        """See ``RowStore``."""
        hot = self._hot.setdefault(partition, SortedDict())
        batch = WriteBatch(raw_mode=True)
        for row in rows:
            place = _place(partition, row.key)
            if row.value is None:
                batch.delete(place)
                self._deleted = True
            else:
                batch.put(place, row.value)
            if row.key.startswith(HOT):
                hot.pop(row.key, None)
                if row.value is not None:
                    hot[row.key] = row.value
        if position is not None:
            self._positions[partition] = position
            batch.put(_meta(partition), self._state(position))
        self._store.write(batch, self._write)

    def position(self, partition: int) -> int | None:
        """See ``RowStore``."""
        return self._positions.get(partition)

    def drop(self, partition: int) -> None:
        """See ``RowStore``."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(_place(partition, b""), _after(_place(partition, b"")))
        batch.delete(_meta(partition))
        self._store.write(batch, self._write)
        self._hot.pop(partition, None)
        self._positions.pop(partition, None)
        self._deleted = True

    def keep_only(self, partitions: Iterable[int]) -> None:
        """See ``RowStore``."""
        for partition in (self._hot.keys() | self._positions.keys()) - set(partitions):
            self.drop(partition)

    def count(self) -> int:
        """See ``RowStore``."""
        return int(self._store.property_int_value("rocksdb.estimate-num-keys") or 0)

    def tend(self, owned: Iterable[int]) -> None:
        """Write down what is in memory and, where rows were deleted, take them off the disk now and then."""
        with self._tending:
            if self._db is None:
                return
            batch = WriteBatch(raw_mode=True)
            for partition in owned:
                position = self._positions.get(partition)
                if position is not None:
                    batch.put(_meta(partition), self._state(position))
            self._db.write(batch, self._write)
            self._db.flush()
            now_ms = self._clock.now_ms()
            if self._deleted and now_ms - self._compacted_ms >= COMPACT_EVERY_MS:
                self._deleted, self._compacted_ms = False, now_ms
                everything = CompactOptions()
                everything.set_bottommost_level_compaction(BottommostLevelCompaction.force())
                self._db.compact_range(None, None, everything)

    @property
    def _store(self) -> Rdict:
        if self._db is None:
            raise RuntimeError("the state is not open")
        return self._db

    def _state(self, position: int) -> bytes:
        return bytes([_VERSION]) + position.to_bytes(8, "big") + self._clock.now_ms().to_bytes(8, "big")

    def _between(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        found: Iterator[tuple[Any, Any]] = iter(self._store.items(from_key=prefix))
        for key, value in found:
            if not key.startswith(prefix):
                return
            yield key, value


def _place(partition: int, key: bytes) -> bytes:
    return b"r" + partition.to_bytes(4, "big") + key


def _meta(partition: int) -> bytes:
    return b"m" + partition.to_bytes(4, "big")


def _after(place: bytes) -> bytes:
    """The first key that does not begin with a partition's place."""
    return b"r" + (int.from_bytes(place[1:5], "big") + 1).to_bytes(4, "big")


def _without_log(options: Any) -> WriteOptions:
    """Its stub takes the attribute for a method."""
    options.disable_wal = True
    made: WriteOptions = options
    return made


def _options() -> Options:
    """Bounded memory: two write buffers and one cache, over all partitions."""
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    options.set_max_write_buffer_number(2)
    options.set_max_open_files(OPEN_FILES)
    options.set_keep_log_file_num(2)
    table = BlockBasedOptions()
    table.set_block_cache(Cache(BLOCK_CACHE_BYTES))
    table.set_bloom_filter(10, block_based=False)
    table.set_cache_index_and_filter_blocks(True)
    options.set_block_based_table_factory(table)
    return options

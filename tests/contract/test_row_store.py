"""Both stores of rows behave alike; the one on disk is also there after a kill."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamgate.errors import ConfigError
from streamgate.pipeline.ports.stage import Row
from streamgate.topology import DiskRows, Rows, RowStore
from streamgate.topology._disk_rows import COMPACT_EVERY_MS, STALE_MS
from tests.fakes.effects import FakeClock

SECRET = bytes(range(33, 127))
KEYS = st.sampled_from([b"A", b"Aa", b"B", b"T", b"T1", b"T2", b"X", b""])
CHANGES = st.lists(st.tuples(st.integers(0, 2), st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=4)), max_size=4)), max_size=12)


def on_disk(folder: Path, clock: FakeClock | None = None, partitions: int = 3) -> DiskRows:
    return DiskRows(folder, clock or FakeClock(), partitions)


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RowStore]:
    made: RowStore = Rows() if request.param == "memory" else on_disk(tmp_path)
    made.open()
    yield made
    made.close()


def test_a_row_is_what_was_applied_last(store: RowStore) -> None:
    """By partition and key; a tombstone removes it; the position is that of the last batch that had one."""
    assert (store.get(0, b"a"), store.position(0)) == (None, None)
    store.apply(0, [Row(b"a", b"1"), Row(b"a", b"2"), Row(b"T", b"t")], 7)
    store.apply(1, [Row(b"a", b"other")])
    assert (store.get(0, b"a"), store.get(0, b"T"), store.get(1, b"a"), store.get(2, b"a")) == (b"2", b"t", b"other", None)
    assert (store.position(0), store.position(1)) == (7, None)
    store.apply(0, [Row(b"a", None), Row(b"T", None)])
    assert (store.get(0, b"a"), store.get(0, b"T"), store.position(0)) == (None, None, 7)
    store.tend([0, 1])
    assert store.get(1, b"a") == b"other"


def test_what_is_not_kept_is_gone(store: RowStore) -> None:
    """With its position."""
    for partition in (0, 1, 2):
        store.apply(partition, [Row(b"a", b"1"), Row(b"T", b"1")], 3)
    store.keep_only([1])
    assert [list(store.scan(partition, b"")) for partition in (0, 1, 2)] == [[], [(b"T", b"1"), (b"a", b"1")], []]
    assert [list(store.scan(partition, b"T")) for partition in (0, 1, 2)] == [[], [(b"T", b"1")], []]
    assert [store.position(partition) for partition in (0, 1, 2)] == [None, 3, None]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(CHANGES)
def test_both_hold_the_same(tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, list[tuple[bytes, bytes | None]]]]) -> None:
    """Whatever is applied, also after it was closed and opened again."""
    folder = tmp_path_factory.mktemp("rows")
    memory, disk = Rows(), on_disk(folder)
    disk.open()
    for number, (partition, rows) in enumerate(changes):
        for each in (memory, disk):
            each.apply(partition, [Row(*row) for row in rows], number)
    for _ in range(2):
        for partition in range(3):
            for prefix in (b"", b"A", b"T", b"T1", b"X"):
                assert list(disk.scan(partition, prefix)) == list(memory.scan(partition, prefix))
            assert disk.position(partition) == memory.position(partition)
        disk.close()
        disk.open()
    disk.close()


KILLED = """
import os, sys
from pathlib import Path
from streamgate.pipeline.ports.stage import Row
from tests.contract.test_row_store import on_disk
store = on_disk(Path(sys.argv[1]))
store.open()
for number in range(50_000):
    store.apply(0, [Row(b"n:%d" % number, b"x" * 400), Row(b"last", b"%d" % number)], number + 1)
    if number == 20_000:
        store.tend([0])
os._exit(9)
"""


def test_after_a_kill_it_is_the_state_as_of_its_position(tmp_path: Path) -> None:
    """Not what was written last, but no row is ahead of the position and none is missing before it."""
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=Path(__file__).parents[2], check=False, timeout=120)
    assert ended.returncode == 9
    store = on_disk(tmp_path)
    store.open()
    position = store.position(0)
    assert position is not None
    assert position > 20_000
    assert store.get(0, b"last") == b"%d" % (position - 1)
    assert sum(1 for _ in store.scan(0, b"n:")) == position
    store.close()


@pytest.mark.parametrize(("seconds", "kept"), [(STALE_MS / 1000 - 1, True), (STALE_MS / 1000, False), (-1, False)])
def test_a_copy_older_than_its_topics_tombstones_is_dropped(tmp_path: Path, seconds: float, *, kept: bool) -> None:
    """What they deleted would come back; a clock that went back says nothing of the age."""
    clock = FakeClock()
    store = on_disk(tmp_path, clock)
    store.open()
    store.apply(0, [Row(b"a", b"1")], 5)
    store.close()
    clock.advance(seconds)
    store.open()
    assert (store.get(0, b"a"), store.position(0)) == ((b"1", 5) if kept else (None, None))
    store.close()


def test_a_copy_that_is_tended_does_not_age(tmp_path: Path) -> None:
    """An owner is the only writer: as long as it is there, its copy is the end of the changelog."""
    clock = FakeClock()
    store = on_disk(tmp_path, clock)
    store.open()
    store.apply(0, [Row(b"a", b"1")], 5)
    for _ in range(3):
        clock.advance(STALE_MS / 2000)
        store.tend([0])
    store.close()
    store.open()
    assert store.get(0, b"a") == b"1"
    store.close()


def test_another_partition_count_begins_anew(tmp_path: Path) -> None:
    """Subjects are on other partitions then. What was copied before leaves the disk: nobody would ever erase anything there."""
    store = on_disk(tmp_path, partitions=3)
    store.open()
    store.apply(0, [Row(b"a", b"1")], 5)
    store.close()
    other = on_disk(tmp_path, partitions=4)
    other.open()
    assert other.get(0, b"a") is None
    assert [each.name for each in tmp_path.iterdir()] == ["4-partitions"]
    other.close()


def test_two_workers_do_not_share_a_directory(tmp_path: Path) -> None:
    """The second is told what to do."""
    store, second = on_disk(tmp_path), on_disk(tmp_path)
    store.open()
    with pytest.raises(ConfigError, match="state_directory"):
        second.open()
    store.close()


def test_what_was_deleted_leaves_the_disk(tmp_path: Path) -> None:
    """A destroyed key must not be found in the files: at the next compaction, which comes after half an hour."""
    clock = FakeClock()
    store = on_disk(tmp_path, clock)
    store.open()
    store.apply(0, [Row(b"K", SECRET)], 1)
    store.apply(0, [Row(b"other", b"stays" * 30)], 2)
    store.tend([0])

    def found(text: bytes) -> bool:
        return any(text in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert found(SECRET)
    store.apply(0, [Row(b"K", None)], 3)
    clock.advance(COMPACT_EVERY_MS / 1000)
    store.tend([0])
    assert not found(SECRET)
    assert store.get(0, b"other") == b"stays" * 30
    store.close()

"""Holds a partition's entries against the grammar, and names the first break. Needs the public keys and nothing else of streamgate.

Each entry is judged by itself first (hash, key, signature), then by its place. So whatever was changed within an entry is ``altered`` or
``wrong_signature``; only whole, genuine entries can be ``gap``, ``reordered`` or ``forked``.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Final

from streamgate.audit._entry import GENESIS, HASH_BYTES, ChainHead, VerifySignature, entry_hash

_COPIES_REMEMBERED: Final = 4096
"""A copy that stands further back than this is reported as reordered."""


@unique
class BreakKind(StrEnum):
    """How a log departs from its chain."""

    GAP = "gap"
    """The entry of this sequence is nowhere later either."""
    REORDERED = "reordered"
    """The entry of this sequence stands somewhere else, or an earlier one stands here."""
    ALTERED = "altered"
    """The fields do not give the hash that stands beside them."""
    WRONG_SIGNATURE = "wrong_signature"
    UNKNOWN_KEY = "unknown_key"
    """None of the given public keys has this id."""
    FORKED = "forked"
    """Genuine and signed, but it continues another history than this one, or than the checkpoint's."""
    TRUNCATED = "truncated"
    """The log ends before the checkpoint's head. Without a checkpoint this cannot be seen."""


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the log and the chain part."""

    kind: BreakKind
    sequence: int
    """The sequence that belonged here."""
    offset: int | None
    """``source_offset`` as stated by the entry that stands here; ``None`` where nothing stands or it states none."""
    position: int
    """How many entries stood before this one."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. ``entries`` counts what was verified before the break, copies not included."""

    entries: int
    copies: int
    first_break: Break | None
    head: ChainHead | None
    """The last entry that was verified: what the next checkpoint holds."""

    @property
    def intact(self) -> bool:
        """Whether no break was found."""
        return self.first_break is None


class Verifier:
    """Checks chains against public keys."""

    def __init__(self, public_keys: Mapping[str, VerifySignature]) -> None:
        """``public_keys`` maps key ids to verifying functions; a rotated key stays in it as long as its entries are kept."""
        self._keys = dict(public_keys)

    def check(
        self,
        entries: Iterable[Mapping[str, Any]],
        *,
        partition: int = 0,
        expected_heads: Mapping[int, ChainHead] | None = None,
        pruned: bool = False,
    ) -> Report:
        """Check one partition's entries in the order of the log.

        ``expected_heads`` is a checkpoint: the chain must pass through its head of this partition. ``pruned`` says that retention has
        removed the beginning; then the log may begin anywhere up to the entry after that head, and there must be such a head.
        """
        expected = (expected_heads or {}).get(partition)
        walk = _Walk(self._keys, expected, pruned=pruned)
        rest = iter(entries)
        for entry in rest:
            kind = walk.step(entry)
            if kind is not None:
                return walk.report(_place(kind, walk, entry, rest))
        if expected is not None and (walk.head is None or walk.head.sequence < expected.sequence):
            return walk.report(Break(BreakKind.TRUNCATED, walk.due, None, walk.position))
        return walk.report(None)


class _Walk:
    """Where a check stands."""

    def __init__(self, keys: Mapping[str, VerifySignature], expected: ChainHead | None, *, pruned: bool) -> None:
        self._keys = keys
        self._expected = expected
        self._pruned = pruned and expected is not None
        self._seen: OrderedDict[int, bytes] = OrderedDict()
        self._copies = 0
        self._entries = 0
        self.head: ChainHead | None = None
        self.position = 0

    @property
    def due(self) -> int:
        """The sequence that belongs here."""
        return 0 if self.head is None else self.head.sequence + 1

    def step(self, entry: Mapping[str, Any]) -> BreakKind | None:
        """Take one entry in; the kind of break where it does not fit."""
        kind = self._by_itself(entry)
        if kind is not None:
            return kind
        sequence, digest = entry["sequence"], entry["hash"]
        if sequence < self.due and self._seen.get(sequence) == digest:
            self._copies += 1
            self.position += 1
            return None
        kind = self._by_place(entry)
        if kind is None:
            self._advance(ChainHead(sequence, entry["source_offset"], digest))
        return kind

    def report(self, first_break: Break | None) -> Report:
        """What was found."""
        return Report(self._entries, self._copies, first_break, self.head)

    def _advance(self, head: ChainHead) -> None:
        self.head = head
        self.position += 1
        self._entries += 1
        self._seen[head.sequence] = head.hash
        if len(self._seen) > _COPIES_REMEMBERED:
            self._seen.popitem(last=False)

    def _by_itself(self, entry: Mapping[str, Any]) -> BreakKind | None:
        """Hash, key and signature."""
        if not _well_formed(entry):
            return BreakKind.ALTERED
        if entry_hash(entry["sequence"], entry["source_offset"], entry["previous"], entry["event"]) != entry["hash"]:
            return BreakKind.ALTERED
        verify = self._keys.get(entry["key_id"])
        if verify is None:
            return BreakKind.UNKNOWN_KEY
        return None if verify(entry["signature"], entry["hash"]) else BreakKind.WRONG_SIGNATURE

    def _by_place(self, entry: Mapping[str, Any]) -> BreakKind | None:
        """Sequence, source offset, the entry before, and the checkpoint."""
        sequence, head, expected = entry["sequence"], self.head, self._expected
        begins_late = self._pruned and head is None and expected is not None and sequence <= expected.sequence + 1
        if sequence != self.due and not begins_late:
            return BreakKind.GAP if sequence > self.due else BreakKind.REORDERED
        if head is not None and entry["source_offset"] <= head.source_offset:
            return BreakKind.REORDERED
        if not begins_late or sequence == 0:
            previous: bytes | None = GENESIS if head is None else head.hash
        else:
            previous = expected.hash if expected is not None and sequence == expected.sequence + 1 else None
        if previous is not None and entry["previous"] != previous:
            return BreakKind.FORKED
        if expected is not None and sequence == expected.sequence and entry["hash"] != expected.hash:
            return BreakKind.FORKED
        return None


def _place(kind: BreakKind, walk: _Walk, entry: Mapping[str, Any], rest: Iterator[Mapping[str, Any]]) -> Break:
    """Name the break; a missing entry that stands further on was moved, not lost."""
    if kind is BreakKind.GAP and any(later.get("sequence") == walk.due for later in rest):
        kind = BreakKind.REORDERED
    offset = entry.get("source_offset")
    due = entry["sequence"] if kind is BreakKind.FORKED else walk.due  # the same, but where a pruned log begins
    return Break(kind, due, offset if _is_number(offset) else None, walk.position)


def _well_formed(entry: Mapping[str, Any]) -> bool:
    """Whether the fields have the types and sizes of the schema."""
    numbers = all(_is_number(entry.get(name)) for name in ("sequence", "source_offset"))
    hashes = all(isinstance(entry.get(name), bytes) and len(entry[name]) == HASH_BYTES for name in ("previous", "hash"))
    strings = all(isinstance(entry.get(name), bytes) for name in ("event", "signature"))
    return numbers and hashes and strings and isinstance(entry.get("key_id"), str)


def _is_number(value: object) -> bool:
    """A whole number from 0 that fits the hash's eight bytes."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63

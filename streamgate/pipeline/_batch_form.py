"""Which waiting requests make a batch. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from streamgate.pipeline._batch_state import Place


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large a batch may be, and how long a request waits for others."""

    most_requests: int = 1_000
    most_bytes: int = 20_000_000
    longest_wait_ms: int = 300_000


@dataclass(slots=True)
class _Heap:
    places: list[Place] = field(default_factory=list)
    size: int = 0


def full_or_due(waiting: Iterable[Place], now_ms: int, limits: BatchLimits) -> Iterator[tuple[Place, ...]]:
    """Groups of one model each: as many as fit, and what is left once its oldest has waited long enough."""
    heaps: dict[str, _Heap] = {}
    for place in waiting:
        heap = heaps.setdefault(place.model, _Heap())
        if heap.places and (len(heap.places) >= limits.most_requests or heap.size + place.size > limits.most_bytes):
            yield tuple(heap.places)
            heap = heaps[place.model] = _Heap()
        heap.places.append(place)
        heap.size += place.size
    for heap in heaps.values():
        full = len(heap.places) >= limits.most_requests
        if full or min(place.since_ms for place in heap.places) + limits.longest_wait_ms <= now_ms:
            yield tuple(heap.places)

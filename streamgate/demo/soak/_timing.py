"""How long responses stayed away: after each fault, and while prompts were waiting. Pure; partitions are counted one by one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from streamgate.demo.soak._evidence import Ended, Evidence, Happened, Sort
from streamgate.demo.soak._fault import NATURE, Kind

_JUST_AFTER_MS: Final = 1_000
"""The last response before a fault came a moment before it."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which a partition had prompts waiting and no response came."""

    partition: int
    began_ms: int
    ended_ms: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.ended_ms - self.began_ms) / 1000


@dataclass(frozen=True, slots=True)
class Recovery:
    """What followed the faults of one kind."""

    kind: Kind
    faults: int
    next_p50_seconds: float
    """From the fault's beginning to the next response, over all its faults and all partitions."""
    next_max_seconds: float
    longest_silence_seconds: float
    """Of any partition with prompts waiting, that began with the fault or before the next one."""


def silences(evidence: Evidence) -> list[Silence]:
    """Every stretch between two responses of a partition in which a prompt was waiting, cut to where the first one began to wait."""
    firsts = first_responses(evidence.responses)
    waiting: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for sent in evidence.sent:
        if sent.sort is Sort.PROMPT and sent.event_id in firsts:
            waiting[sent.partition].append((sent.at_ms, firsts[sent.event_id].at_ms))
    return [silence for partition, spans in sorted(waiting.items()) for silence in _silences(partition, spans)]


def recoveries(evidence: Evidence) -> list[Recovery]:
    """By kind of disruptive fault, in the order of the table of kinds."""
    arrivals: dict[int, list[int]] = defaultdict(list)
    for response in first_responses(evidence.responses).values():
        arrivals[response.partition].append(response.at_ms)
    for times in arrivals.values():
        times.sort()
    disruptive = sorted((fault for fault in evidence.faults if NATURE[fault.kind].disruptive), key=lambda fault: fault.began_ms)
    longest = _longest(disruptive, silences(evidence))
    by_kind: dict[Kind, list[Happened]] = defaultdict(list)
    for fault in disruptive:
        by_kind[fault.kind].append(fault)
    return [_recovery(kind, by_kind[kind], arrivals, longest[kind]) for kind in Kind if kind in by_kind]


def first_responses(responses: Sequence[Ended]) -> Mapping[str, Ended]:
    """The first response to each event id."""
    found: dict[str, Ended] = {}
    for response in sorted(responses, key=lambda each: (each.at_ms, each.offset)):
        found.setdefault(response.event_id, response)
    return found


def _silences(partition: int, spans: list[tuple[int, int]]) -> Iterator[Silence]:
    by_arrival = sorted(spans)
    ends = sorted({end for _, end in spans})
    previous, latest_end, place = 0, 0, 0
    for end in ends:
        # Prompts that were sent before the previous response and not answered by it were waiting all the while.
        while place < len(by_arrival) and by_arrival[place][0] <= previous:
            latest_end = max(latest_end, by_arrival[place][1])
            place += 1
        first_later = by_arrival[place][0] if place < len(by_arrival) else end
        began = previous if latest_end > previous else first_later
        if 0 < began < end:
            yield Silence(partition, began, end)
        previous = end


def _longest(faults: Sequence[Happened], quiet: Sequence[Silence]) -> Mapping[Kind, float]:
    """The longest silence of each kind: a silence counts for the last fault that began before it, or just after."""
    began = [fault.began_ms for fault in faults]
    longest: dict[Kind, float] = defaultdict(float)
    for silence in quiet:
        place = bisect_right(began, silence.began_ms + _JUST_AFTER_MS)
        if place:
            kind = faults[place - 1].kind
            longest[kind] = max(longest[kind], silence.seconds)
    return longest


def _recovery(kind: Kind, faults: Sequence[Happened], arrivals: Mapping[int, Sequence[int]], longest: float) -> Recovery:
    following: list[float] = []
    for fault in faults:
        for times in arrivals.values():
            place = bisect_left(times, fault.began_ms)
            if place < len(times):
                following.append((times[place] - fault.began_ms) / 1000)
    following.sort()
    middle = following[len(following) // 2] if following else 0.0
    return Recovery(kind, len(faults), middle, following[-1] if following else 0.0, longest)

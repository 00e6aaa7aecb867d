"""Calls that wait for their turn: interactive before bulk, tenants by what they have used, and a tenant's own by their deadlines. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from streamgate.provider._amount import NOTHING, Amount
from streamgate.provider._call import ChatCall


@dataclass(frozen=True, slots=True)
class Claim:
    """A call that wants to be made."""

    call: ChatCall
    tenant: str
    bulk: bool
    deadline: float
    """On the monotonic clock, in seconds."""
    elsewhere: bool = False
    """Whether another model may be asked instead: then the end of an outage is not waited for."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A claim with its place."""

    number: int
    claim: Claim
    needs: Amount
    """One request, and about so many tokens."""


@dataclass(slots=True)
class Queue:
    """Those who wait for one model."""

    _lines: dict[tuple[bool, str], list[tuple[float, int, Ticket]]] = field(default_factory=dict)
    """Heaps by lane and tenant."""
    _here: dict[int, Ticket] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._here)

    def __iter__(self) -> Iterator[Ticket]:
        """Whoever waits, in no order."""
        return iter(self._here.values())

    def add(self, ticket: Ticket) -> None:
        """Wait."""
        self._here[ticket.number] = ticket
        line = self._lines.setdefault((ticket.claim.bulk, ticket.claim.tenant), [])
        heapq.heappush(line, (ticket.claim.deadline, ticket.number, ticket))

    def remove(self, ticket: Ticket) -> None:
        """Wait no longer: its turn has come, or it was given up."""
        self._here.pop(ticket.number, None)

    def hopeless(self, before: float, *, outage: bool) -> list[Ticket]:
        """Whoever's deadline is no later than a time; in an outage, also whoever can go elsewhere."""
        return [ticket for ticket in self._here.values() if ticket.claim.deadline <= before or (outage and ticket.claim.elsewhere)]

    def firsts(self, used: Callable[[str], float]) -> Iterator[Ticket]:
        """The first of each tenant, best first; ``used`` tells how much of the limit a tenant has used."""
        lines = sorted(self._lines, key=lambda line: (line[0], used(line[1])))
        for line in lines:
            ticket = self._first(line)
            if ticket is not None:
                yield ticket

    def waiting(self) -> Amount:
        """What all of them need together."""
        return sum((ticket.needs for ticket in self._here.values()), NOTHING)

    def largest(self) -> Amount:
        """The most that one of them needs."""
        found = NOTHING
        for ticket in self._here.values():
            found = found.at_least(ticket.needs)
        return found

    def _first(self, line: tuple[bool, str]) -> Ticket | None:
        heap = self._lines[line]
        while heap and heap[0][1] not in self._here:
            heapq.heappop(heap)
        if not heap:
            del self._lines[line]
            return None
        return heap[0][2]

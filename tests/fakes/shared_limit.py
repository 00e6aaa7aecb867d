"""Many replicas that share one limit, simulated: a log with delays, clocks that differ, crashes, stops, and a provider that counts.

Time goes in steps. Each replica has its own place in the log, its own clock, and its own queue of calls.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from streamgate.provider import Amount, Budgets, ChatCall, ChatReply, Claim, Entry, Member, Quota, RateHeaders, Reason, Reserved, failed
from streamgate.types import MaskedMessage, MaskedText, Parameters, Usage

WINDOW = 60.0
HISTORY = 70.0
LATENCY = 0.4
ANSWER = 20
"""Tokens of every answer; a character is a token."""
NAME = "model"


@dataclass
class Provider:
    """Counts what is charged, and refuses as a token bucket does whose capacity is a minute's allowance."""

    limit: Amount
    calls: list[tuple[float, int]] = field(default_factory=list)
    refused: int = 0
    _requests: float = -1.0
    _tokens: float = -1.0
    _at: float = 0.0

    def call(self, now: float, tokens: int) -> bool:
        if self._requests < 0:
            self._requests, self._tokens = self.limit.requests, self.limit.tokens
        passed, self._at = now - self._at, now
        self._requests = min(self.limit.requests, self._requests + passed * self.limit.requests / WINDOW)
        self._tokens = min(self.limit.tokens, self._tokens + passed * self.limit.tokens / WINDOW)
        self.calls.append((now, tokens))
        if self._requests < 1 - 1e-6 or self._tokens < tokens - 1e-6:
            self.refused += 1
            return False
        self._requests -= 1
        self._tokens -= tokens
        return True

    def headers(self) -> RateHeaders:
        """What OpenAI's replies say: how full the buckets are, and when they will be full."""
        return RateHeaders(
            *(_quota(level, limit) for level, limit in ((self._requests, self.limit.requests), (self._tokens, self.limit.tokens)))
        )

    def used(self, start: float, end: float) -> float:
        """Share of the allowance that was used, of the scarcer of the two: the mean over all minutes that end between two times."""
        total, steps = 0.0, 0
        moment = start
        while moment <= end:
            inside = [tokens for at, tokens in self.calls if moment - WINDOW < at <= moment]
            total += max(len(inside) / self.limit.requests, sum(inside) / self.limit.tokens)
            steps, moment = steps + 1, moment + 1.0
        return total / steps

    def worst_minute(self) -> float:
        """The largest share of the allowance in any sixty seconds."""
        worst, requests, tokens = 0.0, 0, 0
        inside: deque[tuple[float, int]] = deque()
        for at, amount in self.calls:
            inside.append((at, amount))
            requests, tokens = requests + 1, tokens + amount
            while inside[0][0] <= at - WINDOW:
                tokens -= inside.popleft()[1]
                requests -= 1
            worst = max(worst, requests / self.limit.requests, tokens / self.limit.tokens)
        return worst


def _quota(level: float, limit: int) -> Quota:
    return Quota(limit, int(level), (1 - level / limit) * WINDOW)


@dataclass
class Replica:
    """A member of the pool, and its own budgets."""

    member: Member
    budgets: Budgets
    clock: Callable[[float], float]
    delay: Callable[[], float]
    under_way: list[tuple[float, int, Reserved, int]] = field(default_factory=list)
    """Calls by the time at which they are answered."""
    waiting: int = 0
    made: int = 0
    first_at: float | None = None
    read: int = 0
    next_read_at: float = 0.0
    alive: bool = True
    stopped: bool = False


@dataclass
class Simulation:
    """Everything, and the global time."""

    limit: Amount
    count: int
    seed: int = 1
    step: float = 0.05
    slowest_read: float = 0.3
    skew: float = 0.0
    """How much clocks may differ, as a share of their rate; they start anywhere."""
    elsewhere: float = 0.0
    """Share of the limit that others use of the same account, evenly."""
    now: float = 0.0
    _owed: float = 0.0
    log: list[Entry] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311  to be repeated
        self.provider = Provider(self.limit)
        for _ in range(self.count):
            self.add()

    def add(self) -> Replica:
        start, rate = self.random.uniform(0, 1e6), 1 + self.random.uniform(-self.skew, self.skew)
        member = Member(f"r{len(self.replicas)}")
        replica = Replica(
            member,
            Budgets(self.limit, shares=member),
            lambda now: start + now * rate,
            lambda: self.random.uniform(0.005, self.slowest_read),
        )
        replica.read = next((e.offset for e in self.log if e.stamp_ms >= (self.now - HISTORY) * 1000), len(self.log))
        self.replicas.append(replica)
        return replica

    def run(self, seconds: float, demand: Callable[[float, int], Sequence[int]]) -> None:
        """``demand`` says which calls (tokens of each) come to a replica in a step that begins at a time."""
        end = self.now + seconds
        while self.now < end:
            self.now += self.step
            self._others_call()
            for number, replica in enumerate(self.replicas):
                if replica.alive:
                    self._enter(replica, demand(self.now, number))
                    if not replica.stopped:
                        self._turn(replica)

    def _others_call(self) -> None:
        self._owed += self.elsewhere * self.limit.requests * self.step / WINDOW
        while self._owed >= 1:
            self._owed -= 1
            self.provider.call(self.now, self.limit.tokens // self.limit.requests)

    def _enter(self, replica: Replica, calls: Sequence[int]) -> None:
        clock = replica.clock(self.now)
        for tokens in calls:
            replica.budgets.enter(Claim(a_call(tokens), "acme", bulk=False, deadline=clock + 3600.0), clock)
        replica.waiting += len(calls)

    def _turn(self, replica: Replica) -> None:
        clock = replica.clock(self.now)
        if self.now >= replica.next_read_at:
            replica.next_read_at = self.now + replica.delay()
            for entry in self.log[replica.read :]:
                replica.member.hear(entry, clock)
            replica.read = len(self.log)
        while replica.under_way and replica.under_way[0][0] <= self.now:
            _, _, reserved, tokens = heapq.heappop(replica.under_way)
            reply = ChatReply("", "stop", NAME, Usage(tokens - ANSWER, ANSWER), limits=self.provider.headers())
            replica.budgets.succeeded(a_call(tokens), reserved, reply, LATENCY, clock)
        for ticket, reserved in replica.budgets.serve(clock):
            replica.waiting -= 1
            if reserved is not None:
                self._call(replica, reserved, len(ticket.claim.call.messages[0].content.text) + ANSWER, clock)
        for said in replica.member.announce(replica.budgets.needs(clock), clock, self.random.random()):
            self.log.append(Entry(len(self.log), round(self.now * 1000), said))

    def _call(self, replica: Replica, reserved: Reserved, tokens: int, clock: float) -> None:
        replica.made += 1
        replica.first_at = self.now if replica.first_at is None else replica.first_at
        if self.provider.call(self.now, tokens):
            heapq.heappush(replica.under_way, (self.now + LATENCY, replica.made, reserved, tokens))
        else:
            replica.budgets.failed(reserved, failed(Reason.RATE_LIMITED), clock)


@cache
def a_call(tokens: int) -> ChatCall:
    """A call that uses so many tokens."""
    message = MaskedMessage("user", MaskedText("x" * (tokens - ANSWER)))
    return ChatCall(b"", NAME, (message,), Parameters(max_output_tokens=ANSWER), "sg")

"""What can go wrong on purpose, as one table: each kind, what it needs, and how long it lasts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final

from streamgate.types import Role


@unique
class Needs(StrEnum):
    """What a kind of fault needs that not every run has."""

    NOTHING = "nothing"
    BROKER = "a broker of our own"
    PROXY = "a broker whose advertised address is ours"


@unique
class Kind(StrEnum):
    """A kind of fault."""

    KILL = "worker-kill"
    """SIGKILL, and started again."""
    TERM = "worker-term"
    """SIGTERM, waited for, and started again."""
    STOP = "worker-stop"
    """SIGSTOP for longer than the session timeout, then SIGCONT."""
    BROKER_RESTART = "broker-restart"
    BROKER_KILL = "broker-kill"
    DISK_FULL = "disk-full"
    """No file of the broker may grow (RLIMIT_FSIZE); then it is started again with room."""
    CUT = "network-cut"
    """Every connection between workers and broker is dropped and none is let in."""
    DELAY = "network-delay"
    LIMITED = "provider-429"
    ERROR = "provider-500"
    SILENT = "provider-silent"
    """Takes the request, works on it, and never answers."""
    SLOW = "provider-slow"
    RESET = "provider-reset"
    """Works on the request and drops the connection."""
    MALFORMED = "event-malformed"
    OVERSIZE = "event-oversize"
    COPY = "event-copy"
    """An earlier prompt again: same event id, same content."""
    CONFLICT = "event-conflict"
    """An earlier event id with other content."""
    WITHDRAW = "consent-withdrawn"
    ERASE = "subject-erased"


@dataclass(frozen=True, slots=True)
class Nature:
    """How a kind of fault is carried out."""

    needs: Needs = Needs.NOTHING
    seconds: tuple[float, float] = (0.0, 0.0)
    """Shortest and longest."""
    count: tuple[int, int] = (0, 0)
    """Events sent, or milliseconds of delay, at least and at most."""
    targeted: bool = False
    """Meets one worker of one role."""
    disruptive: bool = False
    """Takes something away for a while: the time until responses come again is measured."""


NATURE: Final = MappingProxyType(
    {
        Kind.KILL: Nature(targeted=True, disruptive=True),
        Kind.TERM: Nature(targeted=True, disruptive=True),
        Kind.STOP: Nature(seconds=(8.0, 11.0), targeted=True, disruptive=True),
        Kind.BROKER_RESTART: Nature(Needs.BROKER, disruptive=True),
        Kind.BROKER_KILL: Nature(Needs.BROKER, seconds=(0.5, 3.0), disruptive=True),
        Kind.DISK_FULL: Nature(Needs.BROKER, seconds=(3.0, 5.0), disruptive=True),
        Kind.CUT: Nature(Needs.PROXY, seconds=(1.0, 9.0), disruptive=True),
        Kind.DELAY: Nature(Needs.PROXY, seconds=(4.0, 8.0), count=(50, 400), disruptive=True),
        Kind.LIMITED: Nature(seconds=(2.0, 5.0), disruptive=True),
        Kind.ERROR: Nature(seconds=(1.0, 3.0), disruptive=True),
        Kind.SILENT: Nature(seconds=(1.0, 3.0), disruptive=True),
        Kind.SLOW: Nature(seconds=(3.0, 6.0), disruptive=True),
        Kind.RESET: Nature(seconds=(1.0, 3.0), disruptive=True),
        Kind.MALFORMED: Nature(count=(1, 5)),
        Kind.OVERSIZE: Nature(count=(1, 2)),
        Kind.COPY: Nature(count=(3, 8)),
        Kind.CONFLICT: Nature(count=(1, 5)),
        Kind.WITHDRAW: Nature(count=(1, 1)),
        Kind.ERASE: Nature(count=(1, 2)),
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a schedule."""

    number: int
    after: int
    """Prompts sent before it begins."""
    kind: Kind
    role: Role | None = None
    worker: int = 0
    seconds: float = 0.0
    count: int = 0
    pick: int = 0
    """Which prompts or subjects it meets; reduced to what there is."""

    def __str__(self) -> str:
        """One line for a schedule that a person reads."""
        target = "" if self.role is None else f" {self.role}/{self.worker}"
        lasts = f" for {self.seconds:g} s" if self.seconds else ""
        unit = " ms" if self.kind is Kind.DELAY else " times"
        often = f", {self.count}{unit}" if self.count else ""
        return f"{self.number:>3} after {self.after:>6} prompts: {self.kind}{target}{lasts}{often}"

"""From a seed to a list of faults. Pure: the same seed, sizes and kinds give the same list, so a run can be replayed."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator

from streamgate.demo.soak._fault import NATURE, Fault, Kind, Needs
from streamgate.types import Role

_QUIET: float = 0.08
"""Share of the prompts before the first fault, and after the last: something must be in flight, and something must follow."""


def available(*, own_broker: bool) -> frozenset[Kind]:
    """Kinds that a run can carry out. With a broker of somebody else's, neither the broker nor its connections are ours to break."""
    return frozenset(kind for kind in Kind if own_broker or NATURE[kind].needs is Needs.NOTHING)


def schedule(seed: int, *, prompts: int, faults: int, workers: int, kinds: Collection[Kind]) -> tuple[Fault, ...]:
    """``faults`` faults over ``prompts`` prompts, in order; every kind and every role is met before any is met again."""
    chance = random.Random(f"streamgate soak {seed}")
    first, last = prompts * _QUIET, prompts * (1 - _QUIET)
    step = (last - first) / max(1, faults)
    dealt = zip(range(faults), _cards(chance, kinds), strict=False)
    return tuple(_fault(chance, number, first + step * (number + chance.random() / 2), card, workers) for number, card in dealt)


def _fault(chance: random.Random, number: int, after: float, card: tuple[Kind, Role | None], workers: int) -> Fault:
    kind, role = card
    nature = NATURE[kind]
    return Fault(
        number=number,
        after=int(after),
        kind=kind,
        role=role,
        worker=chance.randrange(workers) if nature.targeted else 0,
        seconds=round(chance.uniform(*nature.seconds), 1),
        count=chance.randint(*nature.count),
        pick=chance.randrange(1 << 30),
    )


def _cards(chance: random.Random, kinds: Collection[Kind]) -> Iterator[tuple[Kind, Role | None]]:
    """What takes something of ours away, and what comes from outside: two decks, dealt in turns, shuffled anew when they are used up."""
    ordered = [kind for kind in Kind if kind in kinds]
    soft: list[tuple[Kind, Role | None]] = [(kind, None) for kind in ordered if not _hard(kind)]
    hard = [(kind, role) for kind in ordered if _hard(kind) for role in (tuple(Role) if NATURE[kind].targeted else (None,))]
    decks = [_deck(chance, cards) for cards in (hard, soft) if cards]
    while decks:
        yield from (next(deck) for deck in decks)


def _hard(kind: Kind) -> bool:
    """Whether it takes away a process, the broker or the network."""
    return NATURE[kind].targeted or NATURE[kind].needs is not Needs.NOTHING


def _deck(chance: random.Random, cards: list[tuple[Kind, Role | None]]) -> Iterator[tuple[Kind, Role | None]]:
    while True:
        yield from chance.sample(cards, len(cards))

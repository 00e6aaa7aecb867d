"""Max-min fairness (Bertsekas and Gallager, Data Networks, 6.5.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping


def fair_share(demands: Mapping[str, int], limit: int) -> tuple[int, dict[str, int]]:
    """Nobody gets more than it asks, and what is left is split evenly.

    Returns the level, the most that anybody gets, rounded down, and the shares by name.
    """
    left, level = limit, limit
    waiting = sorted(demands.items(), key=lambda each: each[1])
    shares: dict[str, int] = {}
    for place, (name, demand) in enumerate(waiting):
        level = left // (len(waiting) - place)
        if demand > level:
            for other, _ in waiting[place:]:
                shares[other] = level
            return level, shares
        shares[name] = demand
        left -= demand
    return level if waiting else limit, shares

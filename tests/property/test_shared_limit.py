"""A limit shared by many replicas: simulated with delays, clocks that differ, crashes, stops and newcomers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.provider import Amount
from streamgate.provider._fair import fair_share
from tests.fakes.shared_limit import Simulation

LIMIT = Amount(240, 60_000)
WARM_SECONDS = 130.0
"""A first burst leaves its trace for two minutes."""
Demand = Callable[[float, int], Sequence[int]]


def hungry(simulation: Simulation, among: Callable[[int, float], bool] = lambda _number, _now: True) -> Demand:
    """Always something waiting, at those replicas."""

    def demand(now: float, number: int) -> Sequence[int]:
        waiting = simulation.replicas[number].waiting
        return [200] * max(0, 10 - waiting) if among(number, now) else []

    return demand


@pytest.mark.parametrize("count", [1, 4, 12])
@pytest.mark.parametrize("skew", [0.0, 0.001])
def test_the_limit_is_used_and_never_exceeded(count: int, skew: float) -> None:
    """Where all have more to do than is allowed."""
    simulation = Simulation(LIMIT, count, skew=skew, step=0.1)
    simulation.run(250.0, hungry(simulation))
    assert simulation.provider.used(WARM_SECONDS, simulation.now) >= 0.98
    assert simulation.provider.worst_minute() <= 1.01
    assert simulation.provider.refused == 0


def test_what_one_does_not_need_others_use() -> None:
    """Seven of eight have nothing to do."""
    simulation = Simulation(LIMIT, 8, step=0.1)
    simulation.run(250.0, hungry(simulation, lambda number, _now: number == 3))
    assert simulation.provider.used(WARM_SECONDS, simulation.now) >= 0.98
    assert simulation.provider.worst_minute() <= 1.01


def test_bursts_here_and_there_use_it_too() -> None:
    """Demand moves from one replica to the next."""
    simulation = Simulation(LIMIT, 6, step=0.1)
    simulation.run(310.0, hungry(simulation, lambda number, now: int(now / 15 + number) % 3 == 0))
    assert simulation.provider.used(WARM_SECONDS, simulation.now) >= 0.98
    assert simulation.provider.worst_minute() <= 1.01


@pytest.mark.parametrize("count", [2, 6])
def test_what_a_dead_replica_held_comes_back(count: int) -> None:
    """Within five seconds, but for what it may have charged; the survivors then use all of it."""
    simulation = Simulation(LIMIT, count, step=0.1)
    simulation.run(130.0, hungry(simulation))
    simulation.replicas[0].alive = False
    died_at = simulation.now
    simulation.run(5.0, hungry(simulation))
    assert {replica.member.replicas for replica in simulation.replicas[1:]} == {count - 1}
    simulation.run(200.0, hungry(simulation))
    assert simulation.provider.used(died_at + 125.0, simulation.now) >= 0.98
    assert simulation.provider.worst_minute() <= 1.01


def test_one_that_was_stopped_uses_nothing_when_it_wakes_up() -> None:
    """Until it has read that it was declared dead, and announced itself again."""
    simulation = Simulation(LIMIT, 3, step=0.1)
    simulation.run(90.0, hungry(simulation))
    sleeper = simulation.replicas[0]
    sleeper.stopped = True
    simulation.run(15.0, hungry(simulation))
    sleeper.stopped, made = False, sleeper.made
    simulation.run(0.1, hungry(simulation))
    assert sleeper.made == made
    simulation.run(120.0, hungry(simulation))
    assert sleeper.made > made
    assert simulation.provider.worst_minute() <= 1.01
    assert simulation.provider.refused == 0


def test_a_newcomer_gets_its_share() -> None:
    """It asks one who knows the state, and the others give way as their charges leave the window."""
    simulation = Simulation(LIMIT, 3, step=0.1)
    simulation.run(90.0, hungry(simulation))
    newcomer = simulation.add()
    simulation.run(2.0, hungry(simulation))
    assert newcomer.member.joined
    simulation.run(180.0, hungry(simulation))
    assert newcomer.made >= 0.9 * 2 * LIMIT.requests / 4
    assert simulation.provider.worst_minute() <= 1.01


def test_all_die_and_what_they_used_counts_for_those_who_follow() -> None:
    """A restart of everything is no second allowance."""
    simulation = Simulation(LIMIT, 3, step=0.1)
    simulation.run(30.0, hungry(simulation))
    for replica in simulation.replicas:
        replica.alive = False
    simulation.run(2.0, hungry(simulation))
    followers = [simulation.add() for _ in range(2)]
    simulation.run(130.0, hungry(simulation))
    assert all(replica.made > 0 for replica in followers)
    assert simulation.provider.worst_minute() <= 1.01
    assert simulation.provider.refused == 0


@pytest.mark.parametrize(("count", "elsewhere"), [(1, 0.5), (4, 0.2), (4, 0.8), (12, 0.3)])
def test_what_others_use_of_the_account_is_left_to_them(count: int, elsewhere: float) -> None:
    """Nobody tells how much it is; the headers of replies show how full the provider's buckets are. Nobody is refused."""
    simulation = Simulation(LIMIT, count, step=0.1, skew=0.001)
    simulation.run(130.0, hungry(simulation))
    simulation.elsewhere = elsewhere
    simulation.run(250.0, hungry(simulation))
    assert simulation.provider.refused == 0
    assert simulation.provider.used(simulation.now - 120.0, simulation.now) >= 0.98


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.tuples(st.sampled_from(["die", "stop", "wake", "add"]), st.integers(0, 5)), max_size=8))
def test_whatever_happens_the_limit_holds(seed: int, events: list[tuple[str, int]]) -> None:
    """Deaths, stops, awakenings and newcomers in any order."""
    simulation = Simulation(Amount(60, 15_000), 3, seed=seed, step=0.1, slowest_read=0.8)
    simulation.run(5.0, hungry(simulation))
    for event, which in events:
        replica = simulation.replicas[which % len(simulation.replicas)]
        if event == "add":
            simulation.add()
        elif event == "die":
            replica.alive = False
        else:
            replica.stopped = event == "stop"
        simulation.run(7.0, hungry(simulation))
    simulation.run(40.0, hungry(simulation))
    assert simulation.provider.worst_minute() <= 1.01
    assert simulation.provider.refused == 0


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 1000), min_size=1, max_size=8), st.integers(0, 2000))
def test_shares_are_fair(demands: dict[str, int], limit: int) -> None:
    """Nobody gets more than it asks; who gets less than it asks gets as much as anybody; little is left over."""
    level, shares = fair_share(demands, limit)
    assert sum(shares.values()) <= limit
    for name, demand in demands.items():
        assert shares[name] <= demand
        assert shares[name] == demand or shares[name] == level
        if shares[name] < demand:
            assert max(shares.values()) <= shares[name]
            assert limit - sum(shares.values()) < len(demands)

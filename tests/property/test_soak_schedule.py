"""The soak's schedule is a function of its seed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamgate.demo.soak import SoakOptions
from streamgate.demo.soak._fault import NATURE, Kind, Needs
from streamgate.demo.soak._schedule import available, schedule
from streamgate.types import Role

SIZES = st.tuples(st.integers(0, 10**9), st.integers(10, 100_000), st.integers(0, 300), st.integers(1, 8), st.booleans())


@given(SIZES)
def test_the_same_seed_gives_the_same_faults_in_order(sizes: tuple[int, int, int, int, bool]) -> None:
    """As many faults as asked for, within the load, none of a kind that the run cannot carry out, each aimed at what there is."""
    seed, prompts, faults, workers, own_broker = sizes
    kinds = available(own_broker=own_broker)
    planned = schedule(seed, prompts=prompts, faults=faults, workers=workers, kinds=kinds)
    assert planned == schedule(seed, prompts=prompts, faults=faults, workers=workers, kinds=set(kinds))
    assert len(planned) == faults
    assert [fault.after for fault in planned] == sorted(fault.after for fault in planned)
    for fault in planned:
        nature = NATURE[fault.kind]
        assert 0 <= fault.after < prompts
        assert fault.kind in kinds
        assert own_broker or nature.needs is Needs.NOTHING
        assert 0 <= fault.worker < workers
        assert (fault.role is not None) is nature.targeted
        assert nature.seconds[0] <= fault.seconds <= nature.seconds[1]
        assert nature.count[0] <= fault.count <= nature.count[1]


@given(st.integers(0, 10**9))
def test_every_kind_and_every_role_is_met(seed: int) -> None:
    """The faults that are planned by default hold every kind, and every signal for every role."""
    planned = schedule(seed, prompts=10_000, faults=SoakOptions(seed=seed).faults, workers=2, kinds=available(own_broker=True))
    assert {fault.kind for fault in planned} == set(Kind)
    assert {(fault.kind, fault.role) for fault in planned if fault.role} == {
        (kind, r) for kind in Kind if NATURE[kind].targeted for r in Role
    }


def test_another_seed_gives_other_faults() -> None:
    """A run that is not replayed tries something else."""
    one, other = (schedule(seed, prompts=1_000, faults=30, workers=2, kinds=frozenset(Kind)) for seed in (1, 2))
    assert one != other


def test_sigstop_lasts_longer_than_a_session() -> None:
    """A worker that is stopped is put out of its group before it wakes up."""
    assert NATURE[Kind.STOP].seconds[0] > 6.0

"""The budget holds over every window of sixty seconds, whatever is reserved, settled, released or said by the provider."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from streamgate.provider import WINDOW_SECONDS, Budget, ModelBudget, Quota, RateHeaders, Reserved, Wait

ALLOWANCES = st.builds(ModelBudget, st.integers(1, 20), st.integers(1, 2000))
QUOTAS = st.builds(Quota, st.none() | st.integers(0, 50), st.none() | st.integers(0, 3000), st.none() | st.floats(0, 1000))


@dataclass(frozen=True)
class Reserve:
    tokens: int


@dataclass(frozen=True)
class Settle:
    which: int
    share: float
    """Of what was reserved."""


@dataclass(frozen=True)
class Release:
    which: int


@dataclass(frozen=True)
class Pass:
    seconds: float


@dataclass(frozen=True)
class Hear:
    limits: RateHeaders


Step = Reserve | Settle | Release | Pass | Hear

TIME = st.builds(Pass, st.floats(0, 90, allow_nan=False))
RESERVE = st.builds(Reserve, st.integers(0, 3000))
STEPS = st.lists(
    st.one_of(
        RESERVE,
        RESERVE,
        TIME,
        st.builds(Settle, st.integers(0, 30), st.floats(0, 1)),
        st.builds(Release, st.integers(0, 30)),
        st.builds(Hear, st.builds(RateHeaders, QUOTAS, QUOTAS)),
    ),
    max_size=60,
)


@dataclass
class Charge:
    at: float
    tokens: int


class Model:
    """The plainest bookkeeping: everything that was granted, with its time."""

    def __init__(self, allowance: ModelBudget) -> None:
        self.allowance = allowance
        self.budget = Budget("m", allowance)
        self.now = 0.0
        self.granted: list[Reserved] = []
        self.charges: dict[int, Charge] = {}

    def apply(self, step: Step) -> None:
        if isinstance(step, Pass):
            self.now += step.seconds
        elif isinstance(step, Reserve):
            answer = self.budget.reserve(self.now, step.tokens)
            if isinstance(answer, Reserved):
                self.granted.append(answer)
                self.charges[answer.number] = Charge(self.now, answer.tokens)
        elif isinstance(step, Hear):
            self.budget.correct(step.limits, self.now)
        elif self.granted:
            self._end(step, self.granted[step.which % len(self.granted)])

    def _end(self, step: Settle | Release, reserved: Reserved) -> None:
        """A reservation ends once."""
        self.granted.remove(reserved)
        if isinstance(step, Settle):
            self.budget.settle(reserved, int(reserved.tokens * step.share), self.now)
            if reserved.number in self.charges:
                self.charges[reserved.number].tokens = int(reserved.tokens * step.share)
        else:
            self.budget.release(reserved, self.now)
            self.charges.pop(reserved.number, None)

    def check(self) -> None:
        """The window that ends now; every window with a grant in it ends with some grant."""
        inside = [charge for charge in self.charges.values() if charge.at + WINDOW_SECONDS > self.now]
        assert len(inside) <= self.allowance.requests_per_minute
        assert sum(charge.tokens for charge in inside) <= self.allowance.tokens_per_minute
        left = self.budget.left(self.now)
        assert 0 <= left.requests <= self.allowance.requests_per_minute - len(inside)
        assert 0 <= left.tokens <= self.allowance.tokens_per_minute - sum(charge.tokens for charge in inside)


@given(ALLOWANCES, STEPS)
def test_no_window_holds_more_than_the_allowance(allowance: ModelBudget, steps: list[Step]) -> None:
    """Requests and tokens, at every step; settling to less and releasing never let more in."""
    model = Model(allowance)
    for step in steps:
        model.apply(step)
        model.check()


@given(ALLOWANCES, STEPS, st.integers(0, 5000))
def test_waiting_ends(allowance: ModelBudget, steps: list[Step], tokens: int) -> None:
    """One wait is enough when nobody else reserves, also for a call larger than the allowance; it is never longer than a window."""
    model = Model(allowance)
    for step in steps:
        model.apply(step)
    answer = model.budget.reserve(model.now, tokens)
    if isinstance(answer, Wait):
        assert 0 < answer.seconds <= WINDOW_SECONDS + 0.01
        answer = model.budget.reserve(model.now + answer.seconds, tokens)
    assert isinstance(answer, Reserved)


@given(ALLOWANCES, st.lists(st.tuples(st.integers(0, 500), st.integers(0, 5000), st.floats(0, 30, allow_nan=False)), max_size=40))
def test_more_used_than_reserved_is_paid_for(allowance: ModelBudget, calls: list[tuple[int, int, float]]) -> None:
    """Nothing is granted while what was really used in the window, with the new call, is over the allowance."""
    budget, now, charges = Budget("m", allowance), 0.0, list[Charge]()
    for reserve, used, pause in calls:
        now += pause
        answer = budget.reserve(now, reserve)
        if isinstance(answer, Reserved):
            inside = sum(charge.tokens for charge in charges if charge.at + WINDOW_SECONDS > now)
            assert inside + answer.tokens <= allowance.tokens_per_minute
            budget.settle(answer, used, now)
            charges.append(Charge(now, used))


@given(ALLOWANCES, st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=40))
def test_a_clock_that_goes_back_grants_nothing_more(allowance: ModelBudget, times: list[float]) -> None:
    """An earlier time counts as the latest one seen."""
    budget, latest, grants = Budget("m", allowance), float("-inf"), list[float]()
    for now in times:
        latest = max(latest, now)
        if isinstance(budget.reserve(now, 0), Reserved):
            grants.append(latest)
        assert sum(at + WINDOW_SECONDS > latest for at in grants) <= allowance.requests_per_minute


@given(ALLOWANCES, st.builds(RateHeaders, QUOTAS, QUOTAS))
def test_headers_only_lower_what_is_left(allowance: ModelBudget, limits: RateHeaders) -> None:
    """To what the provider says; and after a window at most, the whole allowance is back."""
    budget = Budget("m", allowance)
    budget.correct(limits, 0.0)
    left = budget.left(0.0)
    for quota, remaining, whole in (
        (limits.requests, left.requests, allowance.requests_per_minute),
        (limits.tokens, left.tokens, allowance.tokens_per_minute),
    ):
        silent = quota.remaining is None or quota.reset_seconds == 0
        assert remaining == (whole if silent or quota.remaining is None else min(whole, quota.remaining))
    after = budget.left(WINDOW_SECONDS)
    assert (after.requests, after.tokens) == (allowance.requests_per_minute, allowance.tokens_per_minute)

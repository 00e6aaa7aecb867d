"""When a worker says that it makes no progress, and when it gives up."""

from __future__ import annotations

from streamgate.topology._watch import Seen, Watch, WatchLimits

LIMITS = WatchLimits(joining_seconds=100, slow_seconds=5, stuck_seconds=50, silence_seconds=10, lost_seconds=80)
WELL = Seen(joined=True, batch_since=None, answered_at=0)


def watching(seen: Seen, at: float = 0) -> Watch:
    watch = Watch(LIMITS, 0)
    watch.look(seen, at)
    return watch


def test_a_worker_that_joined_and_is_answered_is_ready() -> None:
    """Before it joined it is not; it gives up when that takes too long."""
    assert watching(WELL).reasons(9) == ()
    fresh = Watch(LIMITS, 0)
    assert fresh.reasons(0) == ("joining the group or recovering state",)
    fresh.look(Seen(joined=False, batch_since=None, answered_at=100), 100)
    assert (fresh.hopeless(100), fresh.hopeless(101)) == (None, "joining the group or recovering state")


def test_time_spent_joining_counts_from_the_last_rebalance() -> None:
    """A worker that was well begins anew."""
    watch = watching(WELL)
    watch.look(Seen(joined=False, batch_since=None, answered_at=200), 200)
    watch.look(Seen(joined=False, batch_since=None, answered_at=300), 300)
    assert (watch.hopeless(300), watch.hopeless(301)) == (None, "joining the group or recovering state")


def test_a_batch_that_kafka_does_not_take_is_reported_and_then_given_up() -> None:
    """And forgotten as soon as it is taken."""
    watch = watching(Seen(joined=True, batch_since=1, answered_at=100))
    assert (watch.reasons(6), watch.reasons(7)) == ((), ("kafka has not taken what was decided",))
    assert (watch.hopeless(51), watch.hopeless(52)) == (None, "kafka has not taken what was decided")
    watch.look(Seen(joined=True, batch_since=None, answered_at=100), 60)
    assert (watch.reasons(60), watch.hopeless(60)) == ((), None)


def test_a_broker_that_does_not_answer_is_reported_and_then_given_up() -> None:
    """It may come back in between."""
    watch = watching(WELL)
    assert (watch.reasons(10), watch.reasons(11)) == ((), ("kafka does not answer",))
    assert (watch.hopeless(80), watch.hopeless(81)) == (None, "kafka does not answer")

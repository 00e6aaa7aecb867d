"""Notarise: one chain per partition, continued by whoever holds the partition, never begun anew."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from streamgate.audit import AuditFact, Verifier
from streamgate.codec import Decoder
from streamgate.errors import Code, Unavailable
from streamgate.pipeline._letters import DeadLetters
from streamgate.pipeline._publish import AuditWriter
from streamgate.pipeline.notarise import Notarise
from streamgate.pipeline.ports.stage import Effects
from streamgate.telemetry import AuditChained, DeadLettered
from streamgate.types import Inbound, Role, Topic
from tests.fakes.effects import FakeClock, SeededEntropy
from tests.fakes.pipeline import OPENER, facts, on, read, schemas
from tests.fakes.signer import FakeSigner
from tests.fakes.state import FakeState

SIGNER = FakeSigner()


@dataclass
class Log:
    """The audit topic's partition; implements ``HeadReader``."""

    values: list[bytes] = field(default_factory=list)
    looks: int = 0
    down: bool = False

    async def last(self, partition: int) -> bytes | None:
        self.looks += 1
        if self.down:
            raise Unavailable(Code.INTERNAL_ERROR, "audit")
        return self.values[-1] if self.values else None

    def publish(self, effects: Effects) -> None:
        self.values.extend(output.value or b"" for output in effects.outputs if output.topic == Topic.AUDIT)

    def entries(self) -> list[dict[str, Any]]:
        frames = [Effects(outputs=(replace(OUTPUT, value=value),)) for value in self.values]
        return [read(effects.outputs[0]) for effects in frames]

    def whole(self) -> bool:
        """Whether the chain checks out, and is of this many entries."""
        report = Verifier(SIGNER.public_keys()).check(self.entries(), partition=0)
        return report.first_break is None and report.entries == len(self.values)


AUDIT = AuditWriter(schemas().latest(Topic.AUDIT_EVENTS), Role.VAULT, FakeClock(), SeededEntropy("events"))
OUTPUT = replace(AUDIT.output(AuditFact.LATE_COMPLETION), topic=Topic.AUDIT)


def worker(log: Log) -> Notarise:
    letters = DeadLetters(schemas().latest(Topic.DEAD_LETTERS), OPENER.sealer(1), AUDIT)
    return Notarise(Decoder(schemas(), None), schemas().latest(Topic.AUDIT), SIGNER, log, letters)


def event(offset: int) -> Inbound:
    key, value = AUDIT.record(AuditFact.LATE_COMPLETION)
    return Inbound(Topic.AUDIT_EVENTS, 0, offset, 0, key, value)


async def decide(stage: Notarise, record: Inbound) -> Effects:
    return (await stage.prepare(record)).decide(0, FakeState())


async def test_events_are_chained_in_their_order() -> None:
    """The head is read once; each entry names the one before."""
    log = Log()
    stage = worker(log)
    for offset in range(4):
        effects = await decide(stage, event(offset))
        assert effects.facts == (AuditChained("late_completion"),)
        log.publish(effects)
    assert log.whole()
    assert log.looks == 1
    assert [entry["sequence"] for entry in log.entries()] == [0, 1, 2, 3]


async def test_a_chain_continues_where_another_worker_left_it() -> None:
    """From the head that stands in the log."""
    log = Log()
    log.publish(await decide(worker(log), event(0)))
    log.publish(await decide(worker(log), event(1)))
    assert log.whole()
    assert log.entries()[1]["previous"] == log.entries()[0]["hash"]


async def test_the_head_of_a_worker_that_went_on_from_ours_wins() -> None:
    """The partition went away and came back."""
    log = Log()
    ours, other = worker(log), worker(log)
    log.publish(await decide(ours, event(0)))
    ours.forget_chains()
    for offset in (1, 2):
        log.publish(await decide(other, event(offset)))
    log.publish(await decide(ours, event(3)))
    assert log.whole()
    assert len(log.values) == 4


async def test_a_redelivered_event_is_skipped() -> None:
    """It stands in the chain already, whether this worker put it there or another."""
    log = Log()
    stage, record = worker(log), event(0)
    log.publish(await decide(stage, record))
    for again in (stage, worker(log)):
        effects = await decide(again, record)
        assert (effects.outputs, effects.facts) == ((), ())
    assert len(log.values) == 1


async def test_an_event_whose_entry_was_never_published_is_chained_again() -> None:
    """The transaction was given up with its partition, and the event comes again: the log counts, not what was made."""
    log = Log()
    stage, record = worker(log), event(1)
    log.publish(await decide(stage, event(0)))
    await decide(stage, record)
    stage.forget_chains()
    log.publish(await decide(stage, record))
    assert len(log.values) == 2
    assert log.whole()


async def test_events_that_come_again_together_are_chained_in_their_order() -> None:
    """All were prepared before the first was decided, across a gap in the offsets."""
    log = Log()
    stage, records = worker(log), [event(1), event(2), event(4)]
    log.publish(await decide(stage, event(0)))
    for _ in range(2):
        stage.forget_chains()
        prepared = [await stage.prepare(record) for record in records]
        effects = [each.decide(0, FakeState()) for each in prepared]
    for effect in effects:
        log.publish(effect)
    assert len(log.values) == 4
    assert log.whole()


async def test_a_gap_in_the_offsets_does_not_reset_a_chain_that_is_being_published() -> None:
    """Transaction markers take offsets too; the log is behind for a moment."""
    log = Log()
    stage = worker(log)
    effects = [await decide(stage, event(offset)) for offset in (0, 2, 5)]
    for effect in effects:
        log.publish(effect)
    assert len(log.values) == 3
    assert log.whole()


async def test_an_unreadable_event_is_dead_lettered_and_the_chain_goes_on() -> None:
    """Also where it is the first one that a worker gets; no audit event is made of it, it would come back here."""
    log = Log()
    log.publish(await decide(worker(log), event(0)))
    stage = worker(log)
    effects = await decide(stage, replace(event(1), value=b"x"))
    assert [letter["code"] for letter in on(effects, Topic.DEAD_LETTERS)] == ["not_avro"]
    assert (facts(effects), effects.facts) == ([], (DeadLettered("audit-events", Code.NOT_AVRO),))
    log.publish(await decide(stage, event(2)))
    assert len(log.values) == 2
    assert log.whole()


async def test_a_head_that_cannot_be_read_begins_no_new_chain() -> None:
    """The next event looks again."""
    log = Log()
    log.publish(await decide(worker(log), event(0)))
    stage = worker(log)
    log.down = True
    with pytest.raises(Unavailable):
        await stage.prepare(event(1))
    assert stage.poisoned(event(1)).decide(0, FakeState()).facts == (DeadLettered("audit-events", Code.INTERNAL_ERROR),)
    log.down = False
    log.publish(await decide(stage, event(3)))
    assert len(log.values) == 2
    assert log.whole()

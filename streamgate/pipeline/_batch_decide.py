"""Decisions about batches. Each sees the rows as they are when it is made, under the partition's fence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from streamgate.audit import AuditFact
from streamgate.errors import Code
from streamgate.pipeline._batch_state import MOVES, Batch, BatchState, Phase, Place, batch_key, member_key, waiting_key
from streamgate.pipeline._call import Called
from streamgate.pipeline._egress_state import EgressState
from streamgate.pipeline._masked_request import audited
from streamgate.pipeline.complete import RECORD_KEPT_MS, Complete, Completion
from streamgate.pipeline.ports.stage import Effects, Output, Row, StateView
from streamgate.telemetry import BatchAnswered, CopySeen, DeadLettered, Fact, TokensUsed
from streamgate.types import Inbound


class Moved(Exception):
    """The row is not what it was: somebody else has gone on with the batch."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A request that is to wait for a batch."""

    record: Inbound
    place: Place

    def decide(self, partition: int, state: StateView) -> Effects:
        """Remember where it stands; once, however often it was issued."""
        del partition
        place = self.place
        known = (EgressState.answered(place.request_id), EgressState.intended(place.request_id))
        if any(state.get(key) is not None for key in known):
            return Effects(facts=(CopySeen(self.record.topic),))
        return Effects(
            rows=(
                Row(waiting_key(place), place.to_bytes()),
                Row(EgressState.intended(place.request_id), bytes(4)),
                Row(EgressState.forget_at(place.deadline_ms + RECORD_KEPT_MS, place.request_id), b"\x01"),
            )
        )


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is no request; its prompt, if there is one, is closed by its deadline."""

    stage: Complete
    record: Inbound
    code: Code

    def decide(self, partition: int, state: StateView) -> Effects:
        """Dead-letter it."""
        del partition, state
        return Effects(outputs=self.stage.letters.outputs(self.record, self.code), facts=(DeadLettered(self.record.topic, self.code),))


@dataclass(frozen=True, slots=True)
class Form:
    """A new batch of waiting requests."""

    batch: Batch
    places: tuple[Place, ...]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Take those that still wait."""
        del partition
        taken = [place for place in self.places if state.get(waiting_key(place)) is not None]
        if not taken:
            return Effects()
        rows = [Row(batch_key(self.batch.own_id), self.batch.to_bytes())]
        for place in taken:
            rows += [Row(waiting_key(place), None), Row(member_key(self.batch.own_id, place.request_id), place.to_bytes())]
        return Effects(tuple(rows))


@dataclass(frozen=True, slots=True)
class Step:
    """A batch goes on; whoever has lost the partition, or was overtaken, learns it here, before anything goes out."""

    before: Batch
    after: Batch | None
    """``None``: nothing is left of it."""

    def decide(self, partition: int, state: StateView) -> Effects:
        """Raises :class:`Moved` where the row is another one."""
        del partition
        if BatchState(state).batch(self.before.own_id) != self.before:
            raise Moved
        if self.after is None:
            if self.before.phase not in {Phase.DELETING, Phase.WATCHED}:
                raise ValueError("a batch ends when its files are deleted")
            return Effects(rows=(Row(batch_key(self.before.own_id), None),))
        if self.after.phase not in MOVES[self.before.phase]:
            raise ValueError("no such move")
        return Effects(rows=(Row(batch_key(self.after.own_id), self.after.to_bytes()),))


@dataclass(frozen=True, slots=True, repr=False)
class Intend:
    """The requests of a batch are about to go out."""

    stage: Complete
    step: Step
    requests: Sequence[dict[str, Any]]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Say so on the audit topic's input, of each."""
        effects = self.step.decide(partition, state)
        outputs = [
            self.stage.audit.output(AuditFact.CALL_INTENDED, **audited(each, self.step.before.model), counts={"batch": 1})
            for each in self.requests
        ]
        return replace(effects, outputs=tuple(outputs))


@dataclass(frozen=True, slots=True, repr=False)
class Ended:
    """How a request of a batch ended."""

    record: Inbound
    request: dict[str, Any]
    called: Called


@dataclass(frozen=True, slots=True, repr=False)
class _Later:
    """The state as it is after some rows of the same decision."""

    state: StateView
    rows: dict[bytes, bytes | None] = field(default_factory=dict)

    def put(self, rows: Iterable[Row]) -> None:
        self.rows.update({row.key: row.value for row in rows})

    def get(self, key: bytes) -> bytes | None:
        """As the decision itself has left it."""
        return self.rows[key] if key in self.rows else self.state.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """What stood before; no completion looks for others."""
        return self.state.scan(prefix)


@dataclass(frozen=True, slots=True, repr=False)
class Answers:
    """Some requests of a batch have ended."""

    stage: Complete
    batch: Batch
    ended: Sequence[Ended]

    def decide(self, partition: int, state: StateView) -> Effects:
        """Publish a completion of each that has none yet."""
        rows: list[Row] = []
        outputs: list[Output] = []
        facts: list[Fact] = []
        seen = _Later(state)
        for each in self.ended:
            key = member_key(self.batch.own_id, each.request["request_id"])
            if state.get(key) is None:
                continue
            effects = self._completion(each).decide(partition, seen)
            seen.put(effects.rows)
            rows += [Row(key, None), *effects.rows]
            outputs += effects.outputs
            facts += [*effects.facts, *_said(self.batch.model, each.called)]
        return Effects(tuple(rows), tuple(outputs), tuple(facts))

    def _completion(self, ended: Ended) -> Completion:
        """What a line without an answer used the provider does not bill."""
        tab = self.stage.spending.till.open(ended.request["tenant"], ended.request["purpose"], batch=True)
        if ended.called.reply is not None:
            tab.answered(self.batch.model, ended.called.reply)
        earlier = max(0, self.batch.creates - 1)
        return Completion(self.stage, ended.record, ended.request, ended.called, tab, earlier, by_batch=True)


@dataclass(frozen=True, slots=True)
class Lost:
    """Requests that cannot be read any more; their prompts end at their deadline."""

    batch: Batch
    places: Sequence[Place]

    def decide(self, partition: int, state: StateView) -> Effects:
        """They are no part of the batch any more."""
        del partition, state
        keys = [member_key(self.batch.own_id, place.request_id) for place in self.places]
        return Effects(tuple(Row(key, None) for key in keys), (), (BatchAnswered(self.batch.model, Code.INTERNAL_ERROR),) * len(keys))


@dataclass(frozen=True, slots=True)
class PutBack:
    """The provider ran nothing of the batch: its requests wait for another one."""

    step: Step
    now_ms: int

    def decide(self, partition: int, state: StateView) -> Effects:
        """As if they had just been taken in."""
        effects = self.step.decide(partition, state)
        rows: list[Row] = []
        for place in BatchState(state).members(self.step.before.own_id):
            again = replace(place, since_ms=self.now_ms)
            rows += [Row(member_key(self.step.before.own_id, place.request_id), None), Row(waiting_key(again), again.to_bytes())]
        return Effects((*effects.rows, *rows))


def _said(model: str, called: Called) -> tuple[Fact, ...]:
    answered = BatchAnswered(model, called.code)
    usage = None if called.reply is None else called.reply.usage
    return (answered,) if usage is None else (answered, TokensUsed(model, usage.prompt_tokens, usage.completion_tokens))

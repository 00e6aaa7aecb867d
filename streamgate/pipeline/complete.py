"""Complete: a masked request in, one call of the provider (or a coded failure), a completion out.

Before the first byte goes out: the deadline holds, nothing has been forbidden under a watermark younger than two seconds, the final payload
was scanned once more, the budget has room, and a call-intent stands on the audit topic's input.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from streamgate.audit import AuditFact
from streamgate.codec import Decoder, Schema, encode
from streamgate.consent import Policy
from streamgate.detect import final_scan
from streamgate.effects import Clock
from streamgate.errors import Code, RecordError, Unavailable
from streamgate.pipeline._call import Asked, Called
from streamgate.pipeline._egress_state import EgressState
from streamgate.pipeline._fallback import Fallbacks
from streamgate.pipeline._gate import Gate
from streamgate.pipeline._letters import DeadLetters
from streamgate.pipeline._masked_request import audited, chat_call, outgoing
from streamgate.pipeline._publish import AuditWriter
from streamgate.pipeline._spending import Costs, Spending
from streamgate.pipeline._tab import Tab
from streamgate.pipeline.ports.known import KnownRows
from streamgate.pipeline.ports.stage import Effects, Output, Prepared, Row, Settle, StateView
from streamgate.pipeline.ports.trail import Trail
from streamgate.provider import ChatCall
from streamgate.telemetry import CallRepeated, CopySeen, DeadLettered, Fact, LatencyAdded
from streamgate.types import Inbound, ModelRef, Topic

RECORD_KEPT_MS: Final = 24 * 3600 * 1000
"""How long egress remembers that it answered a request; longer than any deadline."""


@dataclass(frozen=True, slots=True)
class Complete:
    """The stage over ``requests``, and over ``requests.bulk``."""

    decoder: Decoder
    completions: Schema
    policy: Policy
    """As it is now: a request may have been issued under another one."""
    gate: Gate
    caller: Fallbacks
    trail: Trail
    audit: AuditWriter
    letters: DeadLetters
    spending: Spending
    clock: Clock
    known_state: KnownRows
    in_flight: set[bytes] = field(default_factory=set)
    """Requests being worked on; shared by both lanes."""
    topic: str = Topic.REQUESTS
    ordered: bool = False

    def poisoned(self, record: Inbound) -> Prepared:
        """Dead-letter a request on which our own code failed; its prompt is closed by its deadline."""
        return _Unreadable(self, record, Code.INTERNAL_ERROR)

    async def prepare(self, record: Inbound) -> Prepared:
        """Call the provider for a request, once."""
        try:
            request = (await self.decoder.decode(self.topic, record.value)).record
        except (RecordError, Unavailable) as error:
            return _Unreadable(self, record, error.code)
        request_id = request["request_id"]
        if request_id in self.in_flight or self.known_state.get(record.partition, EgressState.answered(request_id)) is not None:
            return _Copy(record)
        self.in_flight.add(request_id)  # until it is decided
        begun = self.known_state.get(record.partition, EgressState.intended(request_id))
        tab = self.spending.till.open(request["tenant"], request["purpose"])
        try:
            called = await self._call(record, request, tab)
        except BaseException:
            self.in_flight.discard(request_id)
            tab.drop()
            raise
        return Completion(self, record, request, called, tab, int.from_bytes(begun or b"", "big"))

    def forget_in_flight(self) -> None:
        """Partitions are given up: what comes back must be worked on again."""
        self.in_flight.clear()
        self.spending.till.purse.let_go()

    async def _call(self, record: Inbound, request: dict[str, Any], tab: Tab) -> Called:
        if any(final_scan(text) for text in outgoing(request)):
            return Called(Code.FINAL_SCAN_HIT)

        first = ModelRef(request["provider"], request["model"])
        if not self.policy.may_call(request["purpose"], first):
            return Called(Code.UNKNOWN_MODEL)

        async def permit() -> Code:
            return await self.gate.pass_or_code(record.partition, request)

        async def intend(call: ChatCall) -> None:
            await self.trail.enter(record.partition, _Intent(self, request, call.name))

        asked = Asked(chat_call(request), request["tenant"], request["deadline_at"], tab, bulk=self.topic == Topic.REQUESTS_BULK)
        named = (ModelRef(each["provider"], each["model"]) for each in request["fallbacks"])
        fallbacks = tuple(ref for ref in named if self.policy.may_call(request["purpose"], ref))
        return await self.caller.call(asked, fallbacks, permit, intend)


@dataclass(frozen=True, slots=True, repr=False)
class _Intent:
    """A call that is about to be made. A worker that has lost its partition learns it here, before it pays."""

    stage: Complete
    request: dict[str, Any]
    model: str

    def decide(self, partition: int, state: StateView) -> Effects:
        """Count it, and say so on the audit topic's input."""
        del partition
        request_id = self.request["request_id"]
        key = EgressState.intended(request_id)
        before = int.from_bytes(state.get(key) or b"", "big")
        forget = EgressState.forget_at(self.stage.clock.now_ms() + RECORD_KEPT_MS, request_id)
        rows = (Row(key, (before + 1).to_bytes(4, "big")), *(() if before else (Row(forget, b"\x01"),)))
        return Effects(rows, (self.stage.audit.output(AuditFact.CALL_INTENDED, **audited(self.request, self.model)),))


@dataclass(frozen=True, slots=True)
class _Copy:
    """A request that was answered, or is being answered, already."""

    record: Inbound

    def decide(self, partition: int, state: StateView) -> Effects:
        """Nothing is paid twice."""
        del partition, state
        return Effects(facts=(CopySeen(self.record.topic),))


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """A request that cannot be read; only a fault of ours or another writer on the topic makes one."""

    stage: Complete
    record: Inbound
    code: Code

    def decide(self, partition: int, state: StateView) -> Effects:
        """Dead-letter it."""
        del partition, state
        return Effects(outputs=self.stage.letters.outputs(self.record, self.code), facts=(DeadLettered(self.record.topic, self.code),))


@dataclass(frozen=True, slots=True, repr=False)
class Completion:
    """What came of a request."""

    stage: Complete
    record: Inbound
    request: dict[str, Any]
    called: Called
    tab: Tab
    earlier_calls: int
    """Calls that another worker, or this one before it lost the partition, began: how they ended nobody knows."""
    by_batch: bool = False

    def decide(self, partition: int, state: StateView) -> Effects:
        """Publish the completion, remember that it was, and count what it has cost: that of a copy too."""
        request_id = self.request["request_id"]
        self.stage.in_flight.discard(request_id)
        now_ms = self.stage.clock.now_ms()
        if state.get(EgressState.answered(request_id)) is not None:
            spent = self.stage.spending.count(partition, state, Costs.of(self.request, self.tab), now_ms)
            return Effects(spent.rows, spent.outputs, (*spent.facts, CopySeen(self.record.topic)))
        costs = Costs.of(self.request, self.tab, self.earlier_calls)
        spent = self.stage.spending.count(partition, state, costs, now_ms)
        answered = Settle(EgressState.answered(request_id), lambda offset: offset.to_bytes(8, "big"))
        outputs = (
            Output(Topic.COMPLETIONS, self.request["reference"], encode(self.stage.completions, self._record(now_ms)), answered),
            self._audited(costs),
            *spent.outputs,
        )
        own_ms = now_ms - self.record.timestamp_ms - round(self.called.seconds * 1000)
        if state.get(EgressState.intended(request_id)) is not None:
            row = Row(EgressState.intended(request_id), None)
        else:
            row = Row(EgressState.forget_at(now_ms + RECORD_KEPT_MS, request_id), b"\x01")
        facts: list[Fact] = [] if self.by_batch else [LatencyAdded("complete", max(0, own_ms) / 1000)]
        if self.earlier_calls and self.called.calls:
            facts.append(CallRepeated(self._at().name))
        return Effects((row, *spent.rows), outputs, (*facts, *spent.facts))

    def _at(self) -> ModelRef:
        """The model that answered or was called last; the one that was asked for where none was."""
        return self.called.at or ModelRef(self.request["provider"], self.request["model"])

    def _record(self, now_ms: int) -> dict[str, Any]:
        reply = self.called.reply
        usage = None if reply is None or reply.usage is None else reply.usage
        return {
            "request_id": self.request["request_id"],
            "reference": self.request["reference"],
            "tenant": self.request["tenant"],
            "purpose": self.request["purpose"],
            "code": self.called.code.value,
            "text": None if reply is None else reply.text,
            "finish_reason": None if reply is None else reply.finish_reason,
            "provider": self._at().provider,
            "model": self._at().model if reply is None else reply.model,
            "usage": None if usage is None else {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens},
            "provider_request_id": None if reply is None else reply.provider_request_id,
            "calls": self.called.calls,
            "completed_at": now_ms,
            "sealed": self.request["sealed"],
        }

    def _audited(self, costs: Costs) -> Output:
        reply = self.called.reply
        fact = AuditFact.CALL_COMPLETED if reply is not None else AuditFact.CALL_FAILED
        return self.stage.audit.output(
            fact,
            **audited(self.request, self._at().name),
            code=self.called.code.value,
            counts=costs.counts()
            | ({"batch": 1} if self.by_batch else {})
            | ({"models_left": self.called.left} if self.called.left else {}),
            cost=costs.text(self.stage.spending.till.purse.currency),
            timings_ms={"call": round(self.called.seconds * 1000)},
            provider_request_id=None if reply is None else reply.provider_request_id,
        )

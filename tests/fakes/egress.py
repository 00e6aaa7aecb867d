"""Egress's use case on fakes: masked requests in, calls of a scripted model, completions out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container
from typing import Any

from streamgate.codec import Decoder, encode
from streamgate.consent import Basis, Controller, Policy, Provider, Purpose, Tenant
from streamgate.pipeline._call import Caller
from streamgate.pipeline._egress_state import EgressSweep
from streamgate.pipeline._fallback import Fallbacks
from streamgate.pipeline._gate import Gate
from streamgate.pipeline._letters import DeadLetters
from streamgate.pipeline._publish import AuditWriter
from streamgate.pipeline._spending import Spending
from streamgate.pipeline._tab import Till
from streamgate.pipeline._turns import Turns
from streamgate.pipeline.complete import Complete
from streamgate.pipeline.ports.stage import Effects
from streamgate.pipeline.ports.standing import Watermark
from streamgate.provider import Amount, Budgets, CallFailed, ChatReply, Price, Prices, Purse, RetryPolicy
from streamgate.types import Inbound, Role, Topic
from tests.fakes.chat_model import FakeChatModel
from tests.fakes.effects import FakeClock, FakeSleeper, SeededEntropy
from tests.fakes.pipeline import MODEL, OPENER, read, schemas
from tests.fakes.standing import FakeStanding
from tests.fakes.state import FakeState
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.trail import FakeTrail

REFERENCE = bytes(range(16))
POLICY = Policy(
    version="0123456789abcdef",
    tenants={"acme": Tenant("acme", ("responses",))},
    purposes={
        "support": Purpose(
            name="support",
            basis=Basis.CONTRACT,
            description="A purpose.",
            tenants=("acme",),
            models=(MODEL, "gpt-other"),
            fallbacks=("azure-eu/gpt-eu", "azure-eu/gpt-test", "gpt-third"),
            recipients=("OpenAI",),
            retention_days=30,
            batch=True,
        )
    },
    controller=Controller("Example", "a@example.com", "b@example.com", "an authority"),
    providers={name: Provider(name, "somewhere", "clauses", 30, "EU") for name in ("default", "azure-eu")},
)
PRICES = Prices({MODEL: Price(100, 400)})
"""In parts of 10⁻¹² for one token."""


class TimedStanding(FakeStanding):
    """Waiting takes its time, and what was planned to happen meanwhile happens."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.then: deque[Callable[[], object]] = deque()
        """One for each wait, in order."""

    async def changed(self, timeout_seconds: float) -> None:
        await super().changed(timeout_seconds)
        self.clock.advance(timeout_seconds)
        if self.then:
            self.then.popleft()()

    def mark(self, partition: int = 0) -> None:
        """A watermark of this moment."""
        self.watermarks[partition] = Watermark(self.clock.now_ms(), 0)


class Egress:
    """One partition of the role egress."""

    def __init__(
        self,
        *script: ChatReply | CallFailed,
        requests_per_minute: int = 1_000,
        max_attempts: int = 4,
        providers: Container[str] = ("default",),
        purse: Purse | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.sleeper = FakeSleeper(self.clock)
        self.telemetry = FakeTelemetry()
        self.state = FakeState()
        self.policy = POLICY
        self.standing = TimedStanding(self.clock)
        self.standing.mark()
        self.gate = Gate(self.standing, self.clock)
        self.trail = FakeTrail(self.state)
        self.model = FakeChatModel(*script)
        self.budgets = Budgets(Amount(requests_per_minute, 100_000))
        self.purse = Purse() if purse is None else purse
        self.till = Till(PRICES, self.purse, self.clock)
        self.caller = Caller(
            model=self.model,
            turns=Turns(self.budgets, self.clock, self.sleeper),
            policy=RetryPolicy(max_attempts=max_attempts),
            call_timeout_seconds=30.0,
            telemetry=self.telemetry,
            clock=self.clock,
            sleeper=self.sleeper,
            entropy=SeededEntropy("egress"),
        )
        self.fallbacks = Fallbacks(self.caller, providers)
        audit = AuditWriter(schemas().latest(Topic.AUDIT_EVENTS), Role.EGRESS, self.clock, SeededEntropy("audit"))
        self.stage = Complete(
            decoder=Decoder(schemas(), None),
            completions=schemas().latest(Topic.COMPLETIONS),
            policy=self.policy,
            gate=self.gate,
            caller=self.fallbacks,
            trail=self.trail,
            audit=audit,
            letters=DeadLetters(schemas().latest(Topic.DEAD_LETTERS), OPENER.sealer(1), audit),
            spending=Spending(schemas().latest(Topic.SPEND), self.till),
            clock=self.clock,
            known_state=self.state.reader,
        )
        self._offset = -1

    def request(self, content: str = "Please answer [PERSON_abcdefg2].", **fields: Any) -> dict[str, Any]:
        """A masked request, as vault writes it."""
        return {
            "request_id": bytes(16),
            "reference": REFERENCE,
            "tenant": "acme",
            "purpose": "support",
            "provider": "default",
            "model": MODEL,
            "fallbacks": [],
            "messages": [{"role": "user", "content": content, "tool_call_id": None}],
            "temperature": None,
            "top_p": None,
            "max_output_tokens": 50,
            "seed": None,
            "stop": [],
            "safety_identifier": "sg-1",
            "deadline_at": self.clock.now_ms() + 120_000,
            "approved_consents_offset": 5,
            "approved_at": self.clock.now_ms(),
            "traceparent": None,
            "policy_version": "0123456789abcdef",
            "detector_version": "fake-1",
            "sealed": b"sealed",
        } | fields

    def record(self, **fields: Any) -> Inbound:
        """A request as it is read."""
        self._offset += 1
        value = encode(schemas().latest(Topic.REQUESTS), self.request(**fields))
        return Inbound(Topic.REQUESTS, 0, self._offset, self.clock.now_ms(), REFERENCE, value)

    async def decide(self, record: Inbound) -> Effects:
        """Prepare and decide; nothing is carried out."""
        return (await self.stage.prepare(record)).decide(0, self.state)

    async def handle(self, record: Inbound) -> Effects:
        """Prepare, decide and carry out."""
        effects = await self.decide(record)
        self.state.carry_out(effects)
        return effects

    def intents(self) -> list[dict[str, Any]]:
        """What was left on the audit topic's input before calls."""
        return [read(output) for output in self.trail.outputs]

    def swept(self) -> int:
        """Forget what is due; how many rows went."""
        before = len(self.state.rows)
        for prepared in EgressSweep(self.clock).due(0, self.state):
            self.state.carry_out(prepared.decide(0, self.state))
        return before - len(self.state.rows)

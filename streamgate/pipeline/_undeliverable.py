"""Records that end without an outcome row: what cannot be read, or whom nobody may answer in full."""

from __future__ import annotations

from dataclasses import dataclass, field

from streamgate.audit import AuditFact
from streamgate.errors import Code, Status
from streamgate.pipeline._desk import Desk
from streamgate.pipeline.ports.stage import Effects, Output, StateView
from streamgate.telemetry import DeadLettered, Fact, PromptFinished
from streamgate.types import Inbound


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """A record of vault's that is dead-lettered or answered with event id and code only, or both."""

    desk: Desk
    record: Inbound
    code: Code
    event_id: str | None = field(default=None, repr=False)
    dead_letter: bool = True

    def decide(self, partition: int, state: StateView) -> Effects:
        """Needs no state."""
        del partition, state
        desk, record = self.desk, self.record
        outputs: tuple[Output, ...] = ()
        facts: tuple[Fact, ...] = ()
        if self.event_id is not None:
            outputs += (desk.responses.anonymous(self.event_id, self.code),)
            facts += (PromptFinished(Status.REFUSED, self.code, max(0, desk.clock.now_ms() - record.timestamp_ms) / 1000),)
        if self.dead_letter:
            outputs += desk.letters.outputs(record, self.code)
            facts += (DeadLettered(record.topic, self.code),)
        else:
            outputs += (desk.audit.output(AuditFact.PROMPT_REFUSED, code=self.code.value, policy_version=desk.policy.version),)
        return Effects(outputs=outputs, facts=facts)

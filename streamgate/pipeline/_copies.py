"""A second copy of a prompt that has ended gets the same bytes, as long as they are kept and may still be given to anyone."""

from __future__ import annotations

from dataclasses import dataclass

from streamgate.audit import AuditFact
from streamgate.codec import Decoder
from streamgate.consent import Denied, decide
from streamgate.effects import Clock, Sleeper
from streamgate.errors import Code, RecordError, Status, Unavailable
from streamgate.minimise import Envelope
from streamgate.pipeline._desk import Desk
from streamgate.pipeline._outcome import Outcome, Phase
from streamgate.pipeline._reader import PAUSE_SECONDS
from streamgate.pipeline._vaultstate import VaultState
from streamgate.pipeline.ports.archive import Archive
from streamgate.pipeline.ports.known import Committed, KnownRows
from streamgate.pipeline.ports.stage import Effects, Output
from streamgate.telemetry import CopySeen
from streamgate.types import Inbound, Subject, Topic


@dataclass(frozen=True, slots=True, repr=False)
class Published:
    """The response that a prompt has had."""

    offset: int
    """Where it stands on the outcome's reply topic."""
    value: bytes | None
    """``None`` where it is gone, or is not what should stand there."""

    def __repr__(self) -> str:
        """Show the place and the size only."""
        return f"Published(@{self.offset}, {len(self.value or b'')} bytes)"


@dataclass(frozen=True, slots=True)
class Copies:
    """Looks responses up."""

    desk: Desk
    known: KnownRows
    archive: Archive
    decoder: Decoder
    clock: Clock
    sleeper: Sleeper

    async def published(self, partition: int, envelope: Envelope, content: str, deadline_ms: int) -> Published | None:
        """The response of a prompt that has ended and has the same content; ``None`` for any other prompt."""
        vault = VaultState(Committed(self.known, partition), self.desk.sealer)
        outcome = vault.outcome(vault.outcome_key(envelope.subject, envelope.event_id))
        if outcome is None or not repeatable(outcome) or outcome.digest != content:
            return None
        offset = outcome.response_offset
        if offset is None:
            return None
        stands = partition if outcome.response_partition is None else outcome.response_partition
        while True:
            try:
                found = await self.archive.read(outcome.reply_topic, stands, offset)
                return Published(offset, None if found is None else await self._checked(found, envelope.subject, outcome))
            except Unavailable:
                if self.clock.now_ms() >= deadline_ms:
                    return Published(offset, None)
                await self.sleeper.sleep(PAUSE_SECONDS)

    async def _checked(self, found: Inbound, subject: Subject, outcome: Outcome) -> bytes | None:
        """The bytes, if they are this prompt's response: a topic that was made anew has others at the same offset."""
        try:
            response = (await self.decoder.decode(Topic.RESPONSES, found.value)).record
        except RecordError:
            return None
        stands = (found.key, response["event_id"], response["status"], response["code"])
        return found.value if stands == (subject.key(), outcome.event_id, outcome.status, outcome.code.value) else None


def repeatable(outcome: Outcome) -> bool:
    """Whether a response was published and nothing has made the service forget whose it was."""
    return outcome.phase is Phase.SETTLED and not outcome.forgotten


def repeat_published(desk: Desk, vault: VaultState, digest: bytes, outcome: Outcome, published: Published, topic: str) -> Effects:
    """Publish the same bytes again, or nothing; either is counted."""
    value = published.value if _permitted(desk, vault, digest, outcome) else None
    copied = desk.audit.output(
        AuditFact.PROMPT_COPY,
        code=outcome.code.value,
        counts={"published_again": int(value is not None)},
        policy_version=desk.policy.version,
    )
    again = () if value is None else (Output(outcome.reply_topic, outcome.subject.key(), value),)
    return Effects(outputs=(*again, copied), facts=(CopySeen(topic),))


def _permitted(desk: Desk, vault: VaultState, digest: bytes, outcome: Outcome) -> bool:
    """An answer is given again under what is known of consents now; a refusal holds nothing that needs one."""
    tenant = desk.policy.tenant(outcome.tenant)
    if tenant is None or outcome.reply_topic not in tenant.reply_topics:
        return False
    if outcome.status is not Status.ANSWERED or outcome.code is not Code.OK:
        return True
    purpose = desk.policy.purpose(outcome.purpose)
    return purpose is not None and not isinstance(decide(purpose, vault.consents(digest)), Denied)

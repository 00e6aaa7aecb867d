"""Masks one prompt and makes its request: the place where raw text becomes masked text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from streamgate.audit import AuditFact
from streamgate.codec import encode
from streamgate.detect import Span
from streamgate.errors import Code, Refused
from streamgate.minimise import Minimised, RawMessage, Segment, Treatment
from streamgate.pipeline._context import RequestContext
from streamgate.pipeline._desk import Desk
from streamgate.pipeline._outcome import Outcome
from streamgate.pipeline.ports.stage import LARGEST_OUTPUT_BYTES, Output
from streamgate.rights import Enrolment
from streamgate.types import MaskedMessage, MaskedText, ModelRef, Topic
from streamgate.vault import Aad, Masker, PurposeKeys, constant_text, join_masked

PREAMBLE: Final = (
    "Some values in this conversation are replaced by placeholders in square brackets: a kind, an underscore and a code. "
    "Each stands for one real value. Where you need one, write it exactly as it stands, brackets included; never invent one."
)
CONTEXT_TITLE: Final = "Known about this case:"
REQUEST_KIND: Final = "request"
LARGEST_REQUEST_BYTES: Final = LARGEST_OUTPUT_BYTES // 2
"""Leaves room for the reply, which travels back with the request's sealed part."""


@dataclass(frozen=True, slots=True)
class Issue:
    """The request and the audit event about it, and what was masked by entity type."""

    outputs: tuple[Output, Output]
    entities: Mapping[str, int]
    lane: Topic

    @classmethod
    def of(
        cls,
        desk: Desk,
        minimised: Minimised,
        spans: Mapping[int, tuple[Span, ...]],
        keys: PurposeKeys,
        outcome: Outcome,
        digest: bytes,
        enrolment: Enrolment,
        consents_offset: int,
        *,
        batch: bool = False,
    ) -> Issue:
        """Mask and seal; raise ``Refused``: ``TOKEN_COLLISION``, ``OVERSIZE_PROMPT``."""
        masking = _Masking(keys, keys.masker(), spans, Counter())
        messages = masking.conversation(minimised)
        token_map = masking.masker.token_map
        request_id = bytes.fromhex(outcome.request_id)
        context = RequestContext(outcome.event_id, outcome.subject_id, token_map.to_bytes(), minimised.sealed)
        aad = request_aad(outcome.tenant, outcome.purpose, digest, outcome.incarnation, request_id)
        sealed = keys.seal(context.to_bytes(), aad)
        record = {
            "request_id": request_id,
            "reference": enrolment.reference,
            "tenant": outcome.tenant,
            "purpose": outcome.purpose,
            **_models(desk, outcome),
            "messages": [_message(message) for message in messages],
            **_parameters(minimised),
            "safety_identifier": keys.safety_identifier(),
            "deadline_at": outcome.deadline_ms,
            "approved_consents_offset": consents_offset,
            "approved_at": desk.clock.now_ms(),
            "traceparent": outcome.traceparent,
            "policy_version": desk.policy.version,
            "detector_version": desk.detector_version,
            "sealed": sealed,
        }
        value = encode(desk.requests, record)
        if len(value) > LARGEST_REQUEST_BYTES:
            raise Refused(Code.OVERSIZE_PROMPT)
        audited = _audited(desk, outcome, enrolment, {**masking.entities, "dropped_fields": minimised.dropped})
        lane = desk.lanes.choose(outcome.opened_by.topic, outcome.tenant, outcome.request_id, batch=batch)
        return cls((Output(lane, enrolment.reference, value), audited), dict(masking.entities), lane)


def _models(desk: Desk, outcome: Outcome) -> dict[str, Any]:
    """What egress may call, and nothing else: the model, and the purpose's fallbacks in their order."""
    purpose, asked = desk.policy.purpose(outcome.purpose), ModelRef.parse(outcome.model)
    fallbacks = () if purpose is None else purpose.fallbacks
    others = [ModelRef.parse(name) for name in fallbacks if name != outcome.model]
    return {
        "provider": asked.provider,
        "model": asked.model,
        "fallbacks": [{"provider": each.provider, "model": each.model} for each in others],
    }


def _audited(desk: Desk, outcome: Outcome, enrolment: Enrolment, counts: Mapping[str, int]) -> Output:
    return desk.audit.output(
        AuditFact.PROMPT_ACCEPTED,
        reference=enrolment.reference,
        request_id=bytes.fromhex(outcome.request_id),
        tenant=outcome.tenant,
        purpose=outcome.purpose,
        basis=outcome.basis,
        model=outcome.model,
        counts=counts,
        policy_version=desk.policy.version,
        detector_version=desk.detector_version,
    )


def request_aad(tenant: str, purpose: str, digest: bytes, incarnation: int, request_id: bytes) -> Aad:
    """What a request's sealed part is bound to."""
    return Aad(purpose=purpose, tenant=tenant, subject_digest=digest, incarnation=incarnation, kind=REQUEST_KIND, row=request_id)


@dataclass(frozen=True, slots=True, repr=False)
class _Masking:
    """One request's masker and what it has found."""

    keys: PurposeKeys
    masker: Masker
    spans: Mapping[int, tuple[Span, ...]]
    entities: Counter[str]

    def conversation(self, minimised: Minimised) -> list[MaskedMessage]:
        """The messages as the provider gets them: ours first, then the producer's in their order."""
        said = [self._message(message) for message in minimised.messages]
        context = [self._field(segment) for segment in minimised.context]
        ours = [constant_text(PREAMBLE)] if self.entities else []
        if context:
            ours.append(join_masked("\n", [constant_text(CONTEXT_TITLE), *context]))
        return [*([MaskedMessage("system", join_masked("\n\n", ours))] if ours else []), *said]

    def _message(self, message: RawMessage) -> MaskedMessage:
        content = join_masked("\n", [self._segment(segment) for segment in message.segments])
        call_id = None if message.tool_call_id is None else self.keys.pseudonym("tool_call_id", message.tool_call_id)
        return MaskedMessage(message.role, content, call_id)

    def _field(self, segment: Segment) -> MaskedText:
        name = segment.path.rsplit(".", 1)[-1]
        return join_masked("", [constant_text(f"- {name}: "), self._segment(segment)])

    def _segment(self, segment: Segment) -> MaskedText:
        match segment.treatment:
            case Treatment.SCAN:
                found = self.spans[id(segment)]
                self.entities.update(span.type.value for span in found)
                return self.masker.mask_spans(segment.text, found)
            case Treatment.TOKENISE:
                entity = segment.entity or "OTHER"
                self.entities[entity] += 1
                return self.masker.mask_whole(segment.text, entity)
            case Treatment.PSEUDONYMISE:
                return self.masker.plain(self.keys.pseudonym(segment.path, segment.text))
            case Treatment.PLAIN:
                return self.masker.plain(segment.text)


def _message(message: MaskedMessage) -> dict[str, Any]:
    return {"role": message.role, "content": message.content.text, "tool_call_id": message.tool_call_id}


def _parameters(minimised: Minimised) -> dict[str, Any]:
    chosen = minimised.parameters
    return {
        "temperature": chosen.temperature,
        "top_p": chosen.top_p,
        "max_output_tokens": chosen.max_output_tokens,
        "seed": chosen.seed,
        "stop": [segment.text for segment in minimised.stop],
    }

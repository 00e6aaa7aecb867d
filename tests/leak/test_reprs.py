"""Nothing that carries text or keys shows it when it is printed, formatted or raised."""

from __future__ import annotations

import pytest

from streamgate.bootstrap import Answer as LetterAnswer
from streamgate.bootstrap import Place
from streamgate.client import Prompt, Response
from streamgate.codec import Frame, SchemaSet, packaged_schemas
from streamgate.codec._decoder import Decoded
from streamgate.demo._report import Exchange
from streamgate.errors import Code, Failed, Refused, SealBroken, Status, StreamgateError, Unavailable, Unreadable
from streamgate.minimise import Envelope, Minimised, RawMessage, Segment, Treatment
from streamgate.pipeline._batch_decide import Ended
from streamgate.pipeline._call import Called
from streamgate.pipeline._context import RequestContext
from streamgate.pipeline._original import Original
from streamgate.pipeline._outcome import Outcome, Phase, Source
from streamgate.pipeline._publish import Answer
from streamgate.pipeline.operator_requests import OpenedLetter
from streamgate.pipeline.ports.stage import Output, Row
from streamgate.provider import BatchLine, ChatCall, ChatReply
from streamgate.types import Inbound, MaskedMessage, MaskedText, Parameters, Subject

CANARY = "canary-Xq7"
SEGMENT = Segment("messages[].content", Treatment.SCAN, CANARY)
OUTCOME = Outcome(
    phase=Phase.OPEN,
    tenant="acme",
    subject_id=CANARY,
    event_id=CANARY,
    purpose="support",
    basis="contract",
    reply_topic="responses",
    model="m",
    incarnation=1,
    digest="00",
    arrived_ms=0,
    deadline_ms=1,
    opened_by=Source("prompts", 1),
)
MASKED = MaskedMessage("user", MaskedText(CANARY))

CARRIERS = [
    Subject("acme", CANARY),
    MaskedText(CANARY),
    MASKED,
    Inbound("prompts", 0, 1, 2, CANARY.encode(), CANARY.encode(), {"h": CANARY.encode()}),
    Frame(CANARY.encode()),
    Decoded(SchemaSet.load(packaged_schemas()).latest("prompts"), {"x": CANARY}),
    Envelope(CANARY, Subject("acme", CANARY), CANARY, 0, None, None, None, None),
    SEGMENT,
    RawMessage("user", (SEGMENT,), CANARY),
    Minimised((RawMessage("user", (SEGMENT,)),), (SEGMENT,), (SEGMENT,), {"p": CANARY}, 0, Parameters()),
    Row(b"O" + CANARY.encode(), CANARY.encode()),
    Output("responses", CANARY.encode(), CANARY.encode()),
    OUTCOME,
    RequestContext(CANARY, CANARY, CANARY.encode(), {"p": CANARY}),
    Original(CANARY.encode(), CANARY.encode(), (("h", CANARY.encode()),)),
    OpenedLetter({"sealed": CANARY.encode()}, Original(CANARY.encode(), CANARY.encode())),
    LetterAnswer(Place(0, 1), Code.OK, "prompts", Original(None, CANARY.encode())),
    Answer(CANARY, None, "m", None, None, 0, 0, 0, {"p": CANARY}),
    ChatCall(b"r", "m", (MASKED,), Parameters(), "s"),
    ChatReply(CANARY, "stop", "m"),
    BatchLine(bytes(16), ChatReply(CANARY, "stop", "m")),
    Ended(Inbound("requests.batch", 0, 1, 2, None, CANARY.encode()), {"messages": CANARY}, Called(Code.OK, ChatReply(CANARY, "stop", "m"))),
    Prompt(tenant="acme", subject=CANARY, purpose="support", messages=[("user", CANARY)], context={"customer_name": CANARY}),
    Response(CANARY, Status.ANSWERED, Code.OK, "", CANARY, None, None, None, None, 0, 0, {"p": CANARY}, "acme", CANARY, "support"),
    Exchange("n", "t", CANARY, CANARY, CANARY, "answered", "ok", None, ((CANARY, "PERSON"),)),
]


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: type(carrier).__name__)
def test_carriers_hide_what_they_carry(carrier: object) -> None:
    """``repr``, ``str`` and formatting of each type that carries text show none of it."""
    assert CANARY not in f"{carrier!r} {carrier!s} {carrier} {[carrier]}"


@pytest.mark.parametrize("kind", [StreamgateError, Unreadable, Refused, Failed, Unavailable])
def test_errors_say_code_and_next_step(kind: type[StreamgateError]) -> None:
    """Every error of ours has a stable code and the reader's next step in its text."""
    for code in Code:
        text = str(kind(code))
        assert text.startswith(code.value)
        assert ": " in text
    assert "key_unavailable" in str(SealBroken("tag"))

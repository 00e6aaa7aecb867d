"""Nothing that carries text or keys shows it when it is printed, formatted or raised."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Final

import pytest

import streamgate
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
from streamgate.pipeline._screen import Route
from streamgate.pipeline.operator_requests import OpenedLetter
from streamgate.pipeline.ports.stage import Output, Row
from streamgate.provider import BatchLine, ChatCall, ChatReply
from streamgate.types import Inbound, MaskedMessage, MaskedText, Parameters, Subject
from tests.leak.shown_fields import SHOWN

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
    MaskedMessage("tool", MaskedText(CANARY), CANARY),
    Parameters(stop=(CANARY,)),
    Route(None, CANARY, CANARY, 0),
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


_CAN_HOLD_CONTENT: Final = re.compile(r"\b(bytes|bytearray|str|dict|Mapping|Any|object|Counter|OrderedDict|defaultdict)\b")


def shows(kind: type) -> str:
    """Its fields that could hold content and stand in the ``repr`` that dataclasses make; none where it has one of its own or none."""
    # What ``dataclass`` makes is wrapped against recursion; a ``__repr__`` that is written is not.
    if not hasattr(kind.__dict__.get("__repr__"), "__wrapped__"):
        return ""
    fields = [field for field in dataclasses.fields(kind) if field.repr and not str(field.type).startswith("Callable")]
    return " ".join(field.name for field in fields if _CAN_HOLD_CONTENT.search(str(field.type)))


def every_dataclass() -> Iterator[tuple[str, type]]:
    """Under its module's name without the package's, and its own."""
    for found in pkgutil.walk_packages(streamgate.__path__, "streamgate."):
        for kind in vars(importlib.import_module(found.name)).values():
            if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__module__ == found.name:
                yield f"{found.name.removeprefix('streamgate.')}:{kind.__qualname__}", kind


def test_no_dataclass_shows_a_field_that_nobody_looked_at() -> None:
    """One that can hold content has a ``__repr__`` of its own, or is left out by ``repr=False``, or stands in the list, with the reason."""
    found = {name: shows(kind) for name, kind in every_dataclass() if shows(kind) and not name.startswith("telemetry.")}
    allowed = {name: fields for classes in SHOWN.values() for name, fields in classes.items()}
    assert found == allowed


@dataclasses.dataclass
class _Careless:
    number: int
    text: str
    data: dict[str, bytes]
    hidden: str = dataclasses.field(repr=False)


@dataclasses.dataclass
class _Spoken:
    text: str

    def __repr__(self) -> str:
        return "…"


def test_the_search_sees_what_a_dataclass_shows() -> None:
    """Not what is hidden by field or by class, nor where the class speaks for itself."""
    assert [shows(_Careless), shows(_Spoken), shows(Subject)] == ["text data", "", ""]

"""The export and the receipt say what is held, what was destroyed, and what only time removes."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

import pytest

from streamgate.consent import ConsentEvent, Decision
from streamgate.errors import Code, Status, StreamgateError
from streamgate.pipeline.ports.stage import LARGEST_OUTPUT_BYTES
from streamgate.rights import NOT_KEPT_EMBEDDED, Destroyed, Enrolment, Horizons, erasure_receipt, export_document
from streamgate.rights._export import MOST_USES
from streamgate.types import Subject

HORIZONS = Horizons({"streamgate.prompts": 1, "streamgate.responses": 7}, {"OpenAI": 30}, 60)
REFERENCE, KEY = bytes(range(16)), b"\xfe" * 8
ERASED = Enrolment(1, REFERENCE, KEY, 0, 1_500, {"prompts": 10})


@dataclass(frozen=True)
class Used:
    arrived_ms: int
    status: Status | None
    code: Code = Code.OK
    purpose: str = "support"
    basis: str = "contract"
    model: str = "gpt-4o-mini"


USES = (Used(2_000, None), Used(1_000, Status.ANSWERED))


def exported(enrolment: Enrolment | None = ERASED, horizons: Horizons = HORIZONS, uses: Iterable[Used] = USES) -> str:
    return export_document(
        request_id="r-1",
        subject=Subject("acme", "customer-7"),
        enrolment=enrolment,
        keys=2,
        consents=[ConsentEvent(None, Decision.WITHDRAW, 2**62, 4), ConsentEvent("hr", Decision.GRANT, 1, 3)],
        uses=uses,
        horizons=horizons,
        now_ms=5_000,
    )


def test_the_export_tells_everything_that_is_held() -> None:
    """Art. 15: enrolment, decisions, every use in order of time, and how many keys there are."""
    document = json.loads(exported())
    assert document["subject"] == {"tenant": "acme", "subject_id": "customer-7"}
    assert document["enrolment"]["erased_at"] == "1970-01-01T00:00:01.500Z"
    assert document["keys_held"] == 2
    assert document["decisions"][1] == {"purpose": "hr", "decision": "grant", "decided_at": "1970-01-01T00:00:00.001Z"}
    assert [(use["status"], use["code"]) for use in document["uses"]] == [("answered", "ok"), ("in progress", None)]


def test_an_export_fits_into_a_record() -> None:
    """However many uses there were: the newest are listed, and how many are not is said."""
    text = exported(uses=(Used(at, Status.ANSWERED, model="m" * 60) for at in range(MOST_USES + 5)))
    document = json.loads(text)
    assert (len(document["uses"]), document["earlier_uses_not_listed"]) == (MOST_USES, 5)
    assert document["uses"][0]["at"] == "1970-01-01T00:00:00.005Z"
    assert len(text.encode()) < LARGEST_OUTPUT_BYTES


def test_a_time_beyond_the_calendar_is_told_as_it_is() -> None:
    """A producer's absurd time does not stop an export."""
    assert json.loads(exported())["decisions"][0]["decided_at"].startswith(f"{2**62} ms")


def test_the_export_tells_where_copies_are() -> None:
    """Every topic with its retention, and the provider's logs."""
    places = json.loads(exported())["held_elsewhere"]["places"]
    assert [place["removed_after_days"] for place in places] == [1, 7, 30]


def test_the_export_holds_no_key_and_no_reference() -> None:
    """Neither stands in it, in no notation that JSON would carry."""
    text = exported()
    assert REFERENCE.hex() not in text
    assert KEY.hex() not in text


def test_an_export_about_nobody() -> None:
    """A subject that was never seen gets an answer too."""
    assert json.loads(exported(None))["enrolment"] == {"standing": "absent"}


def test_the_receipt_tells_what_was_destroyed_and_what_remains() -> None:
    """Counts, the fences, and a horizon for each kind of copy."""
    receipt = json.loads(erasure_receipt(request_id="r-2", enrolment=ERASED, destroyed=Destroyed(2, 1, 3, 4), horizons=HORIZONS))
    assert receipt["destroyed"] == {"keys": 2, "references": 1, "decisions": 3, "outcomes_forgotten": 4, "prompts_stopped": 0}
    assert receipt["refused_below"] == {"prompts": 10}
    assert "60 seconds" in receipt["horizons"]["broker_files"]
    assert "until deleted" in receipt["horizons"]["backups"]
    assert receipt["promises_not_kept"] == []


def test_rotation_bounds_the_backups() -> None:
    """Where key epochs are destroyed, the receipt names the time."""
    receipt = json.loads(
        erasure_receipt(request_id="r", enrolment=ERASED, destroyed=Destroyed(1, 1, 0, 0), horizons=replace(HORIZONS, key_epoch_days=90))
    )
    assert "90 days" in receipt["horizons"]["backups"]


def test_the_embedded_profile_says_what_it_does_not_keep() -> None:
    """Receipts and exports of the demo name promises 3, 5 and 6."""
    embedded = replace(HORIZONS, embedded=True)
    receipt = json.loads(erasure_receipt(request_id="r", enrolment=ERASED, destroyed=Destroyed(1, 1, 0, 0), horizons=embedded))
    assert receipt["promises_not_kept"] == list(NOT_KEPT_EMBEDDED) == json.loads(exported(horizons=embedded))["promises_not_kept"]
    assert "until it stops" in receipt["horizons"]["broker_files"]


def test_no_receipt_without_an_erasure() -> None:
    """A receipt about an enrolled subject would be false."""
    with pytest.raises(StreamgateError):
        erasure_receipt(request_id="r", enrolment=replace(ERASED, erased_at_ms=None), destroyed=Destroyed(0, 0, 0, 0), horizons=HORIZONS)

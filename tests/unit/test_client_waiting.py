"""Whom a response on a shared reply topic is for."""

from __future__ import annotations

import pytest

from streamgate.client import Response
from streamgate.client._producer import _event_of
from streamgate.errors import Code, Status

WAITING = {("acme", "anna", "e-1"), ("acme", "bert", "e-1"), ("acme", "anna", "e-2")}


def response(tenant: str | None, subject: str | None, event_id: str, text: str | None = None) -> Response:
    fields = dict.fromkeys(Response.__dataclass_fields__)
    given = {
        "tenant": tenant,
        "subject": subject,
        "event_id": event_id,
        "text": text,
        "status": Status.REFUSED,
        "code": Code.UNKNOWN_TENANT,
    }
    return Response(**{**fields, **given})  # type: ignore[arg-type]


def test_a_response_is_for_its_tenant_and_subject_alone() -> None:
    """Event ids are unique per tenant and subject only: nobody gets the answer of another person."""
    assert _event_of(response("acme", "bert", "e-1", "Dear Bert"), WAITING) == ("acme", "bert", "e-1")
    assert _event_of(response("acme", "carl", "e-2", "Dear Carl"), WAITING) not in WAITING


@pytest.mark.parametrize(
    ("event_id", "text", "found"), [("e-2", None, True), ("e-1", None, False), ("e-2", "a text", False), ("e-9", None, False)]
)
def test_a_refusal_that_names_nobody_is_for_the_only_one_who_waits(event_id: str, text: str | None, found: bool) -> None:  # noqa: FBT001
    """Where two wait under one event id, neither is told wrongly."""
    assert (_event_of(response(None, None, event_id, text), WAITING) in WAITING) is found

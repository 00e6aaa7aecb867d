"""Sample traffic that must not be answered: refused, failed, or dead-lettered. It is as personal as the rest."""

from __future__ import annotations

from typing import Final

from streamgate.demo._sample_types import Expected, Sample, SampleKind, planted
from streamgate.errors import Code, Status

NOT_ANSWERED: Final = (
    Sample(
        name="refused-unknown-purpose",
        title="A purpose that the policy does not know",
        tenant="acme",
        subject="cust-7007",
        purpose="profiling",
        messages=(("user", "Guess the income of Evangeline Strothoff, 51 Dunmarrow Gardens, from what she buys."),),
        planted=planted(PERSON="Evangeline Strothoff", ADDRESS="51 Dunmarrow Gardens"),
        expects=Expected(Status.REFUSED, Code.UNKNOWN_PURPOSE),
    ),
    Sample(
        name="refused-no-consent",
        title="A purpose that rests on consent, and none was given",
        tenant="acme",
        subject="cust-7008",
        purpose="marketing-drafts",
        messages=(("user", "Write a birthday offer for Cosimo Fenwick-Adeyemi, born 30 June 1979, cosimo.fa@example.com."),),
        planted=planted(PERSON="Cosimo Fenwick-Adeyemi", DATE="30 June 1979", EMAIL="cosimo.fa@example.com"),
        expects=Expected(Status.REFUSED, Code.NO_CONSENT),
    ),
    Sample(
        name="failed-overdue",
        title="A prompt past its deadline",
        tenant="globex",
        subject="cust-8105",
        purpose="support",
        messages=(("user", "Please call Lazarus Nkemelu-Byrne back on +1 202-555-0143 within the minute."),),
        planted=planted(PERSON="Lazarus Nkemelu-Byrne", PHONE="+1 202-555-0143"),
        kind=SampleKind.OVERDUE,
        expects=Expected(Status.FAILED, Code.DEADLINE_EXCEEDED),
    ),
    Sample(
        name="malformed-json",
        title="Not an event at all: JSON where Avro belongs",
        tenant="acme",
        subject="cust-7009",
        purpose="support",
        messages=(),
        planted=planted(PERSON="Philippa Ravensgård", EMAIL="pippa.r@example.org"),
        kind=SampleKind.MALFORMED,
        expects=Expected(None, Code.NOT_AVRO),
        raw='{"prompt": "Cancel the account of Philippa Ravensgård, pippa.r@example.org"}'.encode(),
    ),
)

"""The evidence of a run in which nothing went wrong, for a checker to look at before and after something is changed in it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from streamgate.audit import AuditFact
from streamgate.demo.soak._evidence import Call, Ended, Evidence, Forbidden, Happened, Letter, Limit, Noted, Sent, Sort
from streamgate.demo.soak._fault import Kind
from streamgate.types import Role, Topic

PARTITIONS = 2
SECOND_MS = 1_000
START_MS = 1_700_000_000_000
WITHDRAWN, ERASED = "subject-withdrawn", "subject-erased"


def good_run(prompts: int = 8) -> Evidence:
    """One prompt a second on two partitions, each answered after 200 ms; a conflict and a record that is no event besides; two faults."""
    sent = [Sent(Sort.PROMPT, f"e-{number}", f"s-{number}", number % PARTITIONS, number, _at(number)) for number in range(prompts)]
    bad = [
        Sent(Sort.CONFLICT, "e-0", "s-0", 0, 1_000, _at(1)),
        Sent(Sort.MALFORMED, "e-1", "s-1", 1, 1_001, _at(2)),
        Sent(Sort.COPY, "e-1", "s-1", 1, 1_002, _at(3)),
    ]
    audit = [
        noted
        for number in range(prompts)
        for noted in (
            Noted(number % PARTITIONS, 10 * number, AuditFact.CALL_INTENDED.value, None, _request(number)),
            Noted(number % PARTITIONS, 10 * number + 1, AuditFact.PROMPT_ANSWERED.value, "ok", _request(number)),
        )
    ]
    return Evidence(
        limit=Limit(60, 6_000),
        sent=(*sent, *bad),
        responses=tuple(_answer(each) for each in sent),
        letters=(Letter(Topic.PROMPTS, 0, 1_000, "content_conflict"), Letter(Topic.PROMPTS, 1, 1_001, "not_avro")),
        audit=tuple(audit),
        linked=frozenset((noted.partition, noted.offset) for noted in audit),
        requests={_content(number): _request(number) for number in range(prompts)},
        calls=tuple(Call(_content(number), _at(number) + 100, 200, paid=True, tokens=50) for number in range(prompts)),
        faults=(
            Happened(0, Kind.KILL, f"{Role.VAULT}/0", _at(2) + 500, _at(2) + 600),
            Happened(1, Kind.SLOW, "", _at(5) + 500, _at(5) + 900),
        ),
        forbidden=(Forbidden(WITHDRAWN, _at(0)), Forbidden(ERASED, _at(0) + 100, erased_ms=_at(0) + 50)),
    )


def with_prompt(evidence: Evidence, subject: str, answered_ms: int, sent_ms: int) -> Evidence:
    """One more prompt, answered when it is said, with everything that belongs to it."""
    number = 900
    sent = Sent(Sort.PROMPT, f"e-{number}", subject, 0, number, START_MS + sent_ms)
    noted = [
        Noted(0, 10 * number, AuditFact.CALL_INTENDED.value, None, _request(number)),
        Noted(0, 10 * number + 1, AuditFact.PROMPT_ANSWERED.value, "ok", _request(number)),
    ]
    return replace(
        evidence,
        sent=(*evidence.sent, sent),
        responses=(*evidence.responses, replace(_answer(sent), at_ms=START_MS + answered_ms)),
        audit=(*evidence.audit, *noted),
        linked=evidence.linked | {(each.partition, each.offset) for each in noted},
    )


def _at(number: int) -> int:
    return START_MS + number * SECOND_MS


def _answer(sent: Sent) -> Ended:
    digest = hashlib.sha256(sent.event_id.encode()).digest()
    return Ended(sent.event_id, sent.partition, sent.offset, sent.at_ms + 200, digest, "answered", "ok")


def _request(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _content(number: int) -> bytes:
    return b"content of %d" % number

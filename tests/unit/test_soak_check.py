"""The checker of the soak, given evidence in which one thing is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from streamgate.audit import AuditFact
from streamgate.demo.soak._check import RULES, check
from streamgate.demo.soak._evidence import Call, Evidence, Letter
from streamgate.types import Topic
from tests.fakes.soak_evidence import ERASED, WITHDRAWN, good_run, with_prompt

Defect = Callable[[Evidence], Evidence]


def lose_a_response(good: Evidence) -> Evidence:
    return replace(good, responses=good.responses[1:])


def alter_a_copy(good: Evidence) -> Evidence:
    altered = replace(good.responses[0], offset=99, digest=b"other", status="refused", code="subject_erased")
    return replace(good, responses=(*good.responses, altered))


def answer_nobody(good: Evidence) -> Evidence:
    return replace(good, responses=(*good.responses, replace(good.responses[0], event_id="e-unknown")))


def lose_a_dead_letter(good: Evidence) -> Evidence:
    return replace(good, letters=good.letters[:1])


def mistake_a_conflict(good: Evidence) -> Evidence:
    return replace(good, letters=(replace(good.letters[0], code="undecodable"), good.letters[1]))


def dead_letter_a_prompt(good: Evidence) -> Evidence:
    return replace(good, letters=(*good.letters, Letter(Topic.PROMPTS, 0, 0, "internal_error")))


def forget_an_audit_event(good: Evidence) -> Evidence:
    ended = next(noted for noted in good.audit if noted.fact == AuditFact.PROMPT_ANSWERED)
    return replace(good, audit=tuple(noted for noted in good.audit if noted is not ended))


def write_another_fact(good: Evidence) -> Evidence:
    return replace(good, audit=(*good.audit[:-1], replace(good.audit[-1], fact=AuditFact.PROMPT_FAILED.value)))


def forget_a_link(good: Evidence) -> Evidence:
    return replace(good, linked=good.linked - {min(good.linked)})


def break_a_chain(good: Evidence) -> Evidence:
    return replace(good, breaks={1: "forked"})


def call_without_a_trace(good: Evidence) -> Evidence:
    intent = next(noted for noted in good.audit if noted.fact == AuditFact.CALL_INTENDED)
    return replace(good, audit=tuple(noted for noted in good.audit if noted is not intent))


def call_for_no_request(good: Evidence) -> Evidence:
    return replace(good, calls=(*good.calls, Call(b"of nothing", good.calls[0].at_ms, 200, paid=True)))


def call_too_often(good: Evidence) -> Evidence:
    refused = [replace(good.calls[0], at_ms=good.calls[0].at_ms + number, status=429, paid=False) for number in range(60)]
    return replace(good, calls=(*good.calls, *refused))


def use_too_many_tokens(good: Evidence) -> Evidence:
    return replace(good, calls=(*good.calls[:-1], replace(good.calls[-1], tokens=7_000)))


def leak(good: Evidence) -> Evidence:
    return replace(good, leaks=("EMAIL in topic audit-events (text)",))


def answer_who_withdrew(good: Evidence) -> Evidence:
    return with_prompt(good, WITHDRAWN, sent_ms=3_000, answered_ms=3_200)


def answer_twice(good: Evidence) -> Evidence:
    return replace(good, responses=(*good.responses, replace(good.responses[3], offset=77)))


def note_an_outcome_that_is_not(good: Evidence) -> Evidence:
    ended = next(noted for noted in good.audit if noted.fact == AuditFact.PROMPT_ANSWERED)
    made_up = replace(ended, offset=7_777, request_id=b"made up")
    return replace(good, audit=(*good.audit, made_up), linked=good.linked | {(ended.partition, 7_777)})


def answer_who_was_erased(good: Evidence) -> Evidence:
    return with_prompt(good, ERASED, sent_ms=0, answered_ms=4_000)


DEFECTS: dict[str, list[Defect]] = {
    "prompts without an outcome": [lose_a_response],
    "event ids with two different responses": [alter_a_copy],
    "responses without a prompt": [answer_nobody],
    "bad records not dead-lettered": [lose_a_dead_letter, mistake_a_conflict],
    "good records dead-lettered": [dead_letter_a_prompt],
    "outcomes without an audit event": [forget_an_audit_event, write_another_fact],
    "audit events not in the chain": [forget_a_link],
    "broken audit chains": [break_a_chain],
    "responses more often than asked for": [answer_twice],
    "audit events without an outcome": [note_an_outcome_that_is_not],
    "calls without an intent": [call_without_a_trace, call_for_no_request],
    "minutes over the provider's limit": [call_too_often, use_too_many_tokens],
    "answers after withdrawal or erasure": [answer_who_withdrew, answer_who_was_erased],
    "canaries in the clear": [leak],
}


def test_a_run_without_a_fault_of_ours_passes() -> None:
    """Where each prompt has its one response and everything that belongs to it, nothing is found."""
    verdict = check(good_run())
    assert [finding for finding in verdict.findings if finding.count] == []
    assert verdict.passed
    assert verdict.outcomes == (("answered ok", 8),)


@pytest.mark.parametrize(("rule", "defect"), [(rule, defect) for rule, defects in DEFECTS.items() for defect in defects])
def test_each_defect_is_seen_by_its_rule(rule: str, defect: Defect) -> None:
    """One thing made wrong in a good run fails it, under the name of the promise that it breaks."""
    verdict = check(defect(good_run()))
    assert not verdict.passed
    assert verdict.count(rule) == 1


def test_every_rule_that_must_hold_has_a_defect_here() -> None:
    """No rule can fail a run without a test that shows it can."""
    assert {rule.name for rule in RULES if rule.must_hold} == set(DEFECTS)


def test_each_copy_of_a_prompt_may_have_its_response() -> None:
    """A producer that sends the same prompt again may be told the same again, as often as it asked."""
    good = good_run()
    assert check(replace(good, responses=(*good.responses, replace(good.responses[1], offset=77)))).passed


def test_an_audit_event_written_twice_hides_no_missing_one() -> None:
    """Copies of one request's terminal event do not count for another's."""
    good = forget_an_audit_event(good_run())
    ended = next(noted for noted in good.audit if noted.fact == AuditFact.PROMPT_ANSWERED and noted.partition == 0)
    copied = replace(good, audit=(*good.audit, replace(ended, offset=7_777)), linked=good.linked | {(0, 7_777)})
    assert check(copied).count("outcomes without an audit event") == 1


def test_a_call_paid_twice_is_counted_with_the_fault_before_it() -> None:
    """The second paid call of one request is attributed to the last fault that had begun; one that was refused costs nothing."""
    good = good_run()
    again = replace(good.calls[1], at_ms=good.calls[3].at_ms)
    intent = next(noted for noted in good.audit if noted.request_id == good.requests[again.content])
    traced = (*good.audit, replace(intent, offset=8_888), replace(intent, offset=8_889))
    linked = good.linked | {(intent.partition, 8_888), (intent.partition, 8_889)}
    refused = replace(again, status=500, paid=False, injected=True)
    verdict = check(replace(good, calls=(*good.calls, again, refused), audit=traced, linked=linked))
    assert verdict.passed
    found = next(finding for finding in verdict.findings if finding.rule == "calls paid twice")
    assert (found.count, found.examples) == (1, ("worker-kill",))


def test_a_refusal_by_the_limit_is_told_from_one_by_a_fault() -> None:
    """Only a 429 that no fault asked for is of our own making."""
    good = good_run()
    calls = [replace(good.calls[0], status=429, paid=False, injected=injected) for injected in (True, False)]
    assert check(replace(good, calls=(*calls, *good.calls[1:]))).count("calls the limit rejected") == 1


def test_an_answer_just_after_a_withdrawal_is_allowed() -> None:
    """What is known of consent may be two seconds old."""
    assert check(with_prompt(good_run(), WITHDRAWN, sent_ms=0, answered_ms=1_900)).passed


def test_a_prompt_sent_after_an_erasure_may_be_answered() -> None:
    """It enrols the subject anew."""
    assert check(with_prompt(good_run(), ERASED, sent_ms=5_000, answered_ms=5_200)).passed


def test_the_worst_minute_slides() -> None:
    """Sixty requests around the turn of a minute count together; those of a minute before do not."""
    good = good_run(0)
    calls = tuple(Call(b"%d" % number, 30_000 + number * 500, 200, paid=True, tokens=10) for number in range(240))
    assert check(replace(good, calls=calls)).worst_minute == (120, 1_200)

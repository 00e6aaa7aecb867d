"""What must hold after a run: each rule looks at the evidence and names every place where it was broken. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from streamgate.audit import AuditFact
from streamgate.demo.soak._evidence import Call, Ended, Evidence, Sent, Sort
from streamgate.errors import Code, Status

MINUTE_MS: Final = 60_000
TOLERANCE: Final = 0.01
"""By how much a minute may exceed the limit: two clocks do not agree to the millisecond on where a minute begins."""
CONSENT_MS: Final = 2_500
"""What is known of consent is never older than 2 s; and half a second for the way to the topic."""
PROMPTS: Final = frozenset({Sort.PROMPT, Sort.COPY})
ENDS: Final = {
    AuditFact.PROMPT_ANSWERED.value: Status.ANSWERED.value,
    AuditFact.PROMPT_REFUSED.value: Status.REFUSED.value,
    AuditFact.PROMPT_FAILED.value: Status.FAILED.value,
}


def no_outcome(evidence: Evidence) -> Iterator[str]:
    """A prompt without a terminal response."""
    ended = {response.event_id for response in evidence.responses}
    yield from sorted({sent.event_id for sent in evidence.sent if sent.sort in PROMPTS} - ended)


def different_outcomes(evidence: Evidence) -> Iterator[str]:
    """An event id with two responses that are not the same bytes."""
    for event_id, found in _by_event(evidence).items():
        if len({response.digest for response in found}) > 1:
            yield f"{event_id}: {', '.join(dict.fromkeys(response.code for response in found))}"


def too_often(evidence: Evidence) -> Iterator[str]:
    """A response that was published more often than its prompt: each copy of a prompt may have its own, in the same bytes."""
    asked = Counter(sent.event_id for sent in evidence.sent if sent.sort in PROMPTS)
    for event_id, found in _by_event(evidence).items():
        if 0 < asked[event_id] < len(found):
            yield from [event_id] * (len(found) - asked[event_id])


def unasked(evidence: Evidence) -> Iterator[str]:
    """A response to an event id that nobody sent."""
    asked = {sent.event_id for sent in evidence.sent}
    yield from (event_id for event_id in _by_event(evidence) if event_id not in asked)


def not_dead_lettered(evidence: Evidence) -> Iterator[str]:
    """A record that cannot be read, or that contradicts an earlier one, without a dead letter; or with one that says something else."""
    letters = {(letter.topic, letter.partition, letter.offset): letter.code for letter in evidence.letters}
    for sent in evidence.sent:
        if sent.sort not in PROMPTS:
            code = letters.get((sent.topic, sent.partition, sent.offset))
            if code is None or (sent.sort is Sort.CONFLICT) != (code == Code.CONTENT_CONFLICT):
                yield f"{_place(sent)}: {code or 'none'}"


def dead_lettered_in_error(evidence: Evidence) -> Iterator[str]:
    """A dead letter of a record that was in order."""
    expected = {(sent.topic, sent.partition, sent.offset) for sent in evidence.sent if sent.sort not in PROMPTS}
    for letter in evidence.letters:
        if (letter.topic, letter.partition, letter.offset) not in expected:
            yield f"{letter.topic}-{letter.partition}@{letter.offset}: {letter.code}"


def audit_missing(evidence: Evidence) -> Iterator[str]:
    """An outcome without its terminal audit event, counted by partition, status and code: the audit log names no event ids."""
    for (partition, status, code), count in sorted((_outcomes(evidence) - _facts(evidence)).items()):
        yield from [f"partition {partition}: {status} {code}"] * count


def audit_surplus(evidence: Evidence) -> Iterator[str]:
    """A terminal audit event without an outcome."""
    for (partition, status, code), count in sorted((_facts(evidence) - _outcomes(evidence)).items()):
        yield from [f"partition {partition}: {status} {code}"] * count


def audit_not_linked(evidence: Evidence) -> Iterator[str]:
    """An audit event without an entry in the chain."""
    yield from (f"{noted.partition}@{noted.offset}" for noted in evidence.audit if (noted.partition, noted.offset) not in evidence.linked)


def chain_broken(evidence: Evidence) -> Iterator[str]:
    """A partition whose chain does not verify."""
    yield from (f"partition {partition}: {kind}" for partition, kind in sorted(evidence.breaks.items()))


def call_without_intent(evidence: Evidence) -> Iterator[str]:
    """A call of the provider that left no trace before it was made."""
    intents = Counter(noted.request_id for noted in evidence.audit if noted.fact == AuditFact.CALL_INTENDED)
    for content, made in Counter(call.content for call in evidence.calls).items():
        request_id = evidence.requests.get(content)
        if request_id is None:
            yield "a call of no request"
        elif intents[request_id] < made:
            yield f"{request_id.hex()}: {made} calls, {intents[request_id]} intents"


def over_limit(evidence: Evidence) -> Iterator[str]:
    """A minute in which the provider was asked for more than it allows."""
    requests, tokens = worst_minute(evidence.calls)
    if requests > evidence.limit.requests * (1 + TOLERANCE):
        yield f"{requests} requests in a minute, {evidence.limit.requests} allowed"
    if tokens > evidence.limit.tokens * (1 + TOLERANCE):
        yield f"{tokens} tokens in a minute, {evidence.limit.tokens} allowed"


def rejected(evidence: Evidence) -> Iterator[str]:
    """A call that the provider refused because its limit was reached, not because a fault said so."""
    yield from (f"{call.at_ms}" for call in evidence.calls if call.status == 429 and not call.injected)  # noqa: PLR2004  RFC 6585 §4


def paid_twice(evidence: Evidence) -> Iterator[str]:
    """A call that was paid for although an earlier one for the same request was; by the fault that came last before it."""
    faults = sorted(evidence.faults, key=lambda fault: fault.began_ms)
    began = [fault.began_ms for fault in faults]
    paid: set[bytes] = set()
    for call in sorted(evidence.calls, key=lambda each: each.at_ms):
        if call.paid and call.content in paid:
            place = bisect_right(began, call.at_ms)
            yield faults[place - 1].kind.value if place else "no fault"
        if call.paid:
            paid.add(call.content)


def answered_after_withdrawal(evidence: Evidence) -> Iterator[str]:
    """An answer published when it was known that the subject had withdrawn, or one of an erased incarnation after its receipt."""
    asked = {sent.event_id: sent for sent in evidence.sent if sent.sort is Sort.PROMPT}
    since = defaultdict(list)
    for each in evidence.forbidden:
        since[each.subject].append(each)
    for response in evidence.responses:
        sent = asked.get(response.event_id)
        if sent is None or response.status != Status.ANSWERED:
            continue
        for each in since[sent.subject]:
            covered = each.erased_ms is None or sent.at_ms < each.erased_ms
            if covered and response.at_ms > each.at_ms + CONSENT_MS:
                yield f"{response.event_id}: {response.at_ms - each.at_ms} ms later"


def leaked(evidence: Evidence) -> Iterator[str]:
    """A canary in the clear where no personal data may stand."""
    yield from evidence.leaks


def crashed(evidence: Evidence) -> Iterator[str]:
    """A worker that ended by itself, or did not end when it was asked to."""
    yield from evidence.crashes


def worst_minute(calls: Sequence[Call]) -> tuple[int, int]:
    """The most requests, and the most tokens, in any sixty seconds. What was refused counts as a request, as it does with providers."""
    ordered = sorted(calls, key=lambda call: call.at_ms)
    most_requests = most_tokens = tokens = first = 0
    for last, call in enumerate(ordered):
        tokens += call.tokens
        while ordered[first].at_ms <= call.at_ms - MINUTE_MS:
            tokens -= ordered[first].tokens
            first += 1
        most_requests, most_tokens = max(most_requests, last - first + 1), max(most_tokens, tokens)
    return most_requests, most_tokens


def _by_event(evidence: Evidence) -> dict[str, list[Ended]]:
    found: dict[str, list[Ended]] = defaultdict(list)
    for response in evidence.responses:
        found[response.event_id].append(response)
    return found


def _outcomes(evidence: Evidence) -> Counter[tuple[int, str, str]]:
    distinct = {(response.event_id, response.digest): response for response in evidence.responses}
    return Counter((response.partition, response.status, response.code) for response in distinct.values())


def _facts(evidence: Evidence) -> Counter[tuple[int, str, str]]:
    """Each request's terminal event once, however often it was written; those of prompts that never became a request, each."""
    named = {(n.partition, n.fact, n.code, n.request_id) for n in evidence.audit if n.fact in ENDS and n.request_id is not None}
    nameless = [(n.partition, n.fact, n.code, None) for n in evidence.audit if n.fact in ENDS and n.request_id is None]
    return Counter((partition, ENDS[fact], code or "") for partition, fact, code, _ in (*named, *nameless))


def _place(sent: Sent) -> str:
    return f"{sent.sort} {sent.topic}-{sent.partition}@{sent.offset}"

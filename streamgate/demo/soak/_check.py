"""The checker: every rule over the evidence of a run, and whether a run with these findings has passed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from streamgate.demo.soak import _rules as rules
from streamgate.demo.soak._evidence import Evidence, Happened
from streamgate.demo.soak._timing import Recovery, Silence, first_responses, recoveries, silences

LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold, or that is counted."""

    name: str
    broken: Callable[[Evidence], Iterator[str]]
    must_hold: bool = True


RULES: Final = (
    Rule("prompts without an outcome", rules.no_outcome),
    Rule("event ids with two different responses", rules.different_outcomes),
    Rule("responses more often than asked for", rules.too_often),
    Rule("responses without a prompt", rules.unasked),
    Rule("bad records not dead-lettered", rules.not_dead_lettered),
    Rule("good records dead-lettered", rules.dead_lettered_in_error),
    Rule("outcomes without an audit event", rules.audit_missing),
    Rule("audit events without an outcome", rules.audit_surplus),
    Rule("audit events not in the chain", rules.audit_not_linked),
    Rule("broken audit chains", rules.chain_broken),
    Rule("calls without an intent", rules.call_without_intent),
    Rule("minutes over the provider's limit", rules.over_limit),
    Rule("calls the limit rejected", rules.rejected, must_hold=False),
    Rule("calls paid twice", rules.paid_twice, must_hold=False),
    Rule("answers after withdrawal or erasure", rules.answered_after_withdrawal),
    Rule("canaries in the clear", rules.leaked),
    Rule("workers that ended or hung by themselves", rules.crashed, must_hold=False),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found."""

    rule: str
    count: int
    passed: bool
    counted_only: bool
    examples: tuple[str, ...]
    """The first few, or, where the same comes up often, how often each did."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker says of a run."""

    findings: tuple[Finding, ...]
    outcomes: tuple[tuple[str, int], ...]
    """Status and code of the first response, and how many prompts ended so."""
    recoveries: tuple[Recovery, ...]
    longest_silence: Silence | None
    worst_minute: tuple[int, int]
    """Requests and tokens."""
    faults: tuple[Happened, ...]

    @property
    def passed(self) -> bool:
        """Whether everything that must hold did."""
        return all(finding.passed for finding in self.findings)

    def count(self, rule: str) -> int:
        """How often a rule was broken, by its name."""
        return next(finding.count for finding in self.findings if finding.rule == rule)

    def document(self) -> dict[str, Any]:
        """For programs."""
        silence = self.longest_silence
        return {
            "passed": self.passed,
            "findings": {each.rule: {"count": each.count, "passed": each.passed, "examples": each.examples} for each in self.findings},
            "outcomes": dict(self.outcomes),
            "recovery_seconds": {
                each.kind.value: {
                    "faults": each.faults,
                    "next_response_p50": round(each.next_p50_seconds, 2),
                    "next_response_max": round(each.next_max_seconds, 2),
                    "longest_silence": round(each.longest_silence_seconds, 2),
                }
                for each in self.recoveries
            },
            "longest_silence_seconds": None if silence is None else round(silence.seconds, 2),
            "faults": [
                {"kind": each.kind.value, "target": each.target, "began_ms": each.began_ms, "ended_ms": each.ended_ms}
                for each in self.faults
            ],
            "worst_minute": {"requests": self.worst_minute[0], "tokens": self.worst_minute[1]},
        }


def check(evidence: Evidence) -> Verdict:
    """Look at everything."""
    ended = Counter(f"{response.status} {response.code}" for response in first_responses(evidence.responses).values())
    return Verdict(
        findings=tuple(_finding(rule, list(rule.broken(evidence))) for rule in RULES),
        outcomes=tuple(ended.most_common()),
        recoveries=tuple(recoveries(evidence)),
        longest_silence=max(silences(evidence), key=lambda silence: silence.seconds, default=None),
        worst_minute=rules.worst_minute(evidence.calls),
        faults=evidence.faults,
    )


def _finding(rule: Rule, broken: list[str]) -> Finding:
    counted = Counter(broken).most_common(LISTED)
    examples = tuple(example if count == 1 else f"{example} × {count}" for example, count in counted)
    return Finding(rule.name, len(broken), not (rule.must_hold and broken), not rule.must_hold, examples)

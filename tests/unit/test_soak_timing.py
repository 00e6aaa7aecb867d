"""How long responses stayed away after faults, and while prompts waited."""

from __future__ import annotations

from dataclasses import replace

from streamgate.demo.soak._evidence import Ended, Evidence, Happened, Limit, Sent, Sort
from streamgate.demo.soak._fault import Kind
from streamgate.demo.soak._timing import recoveries, silences


def run(*times: tuple[int, int], partition: int = 0) -> Evidence:
    """Prompts as pairs of seconds: sent, answered."""
    sent = [Sent(Sort.PROMPT, f"{partition}-{n}", "s", partition, n, at * 1000) for n, (at, _) in enumerate(times)]
    ended = [Ended(f"{partition}-{n}", partition, n, at * 1000, b"", "answered", "ok") for n, (_, at) in enumerate(times)]
    return Evidence(limit=Limit(1, 1), sent=tuple(sent), responses=tuple(ended))


def longest(evidence: Evidence) -> float:
    return max((silence.seconds for silence in silences(evidence)), default=0.0)


def test_a_partition_without_prompts_is_not_silent() -> None:
    """Between an answer and the next prompt nobody waits."""
    assert longest(run((1, 2), (50, 51))) == 1.0


def test_silence_begins_with_the_last_response_when_more_were_waiting() -> None:
    """A prompt that was waiting already when another was answered has been waiting since then."""
    assert longest(run((1, 2), (1, 12), (11, 13))) == 10.0


def test_silence_begins_with_the_prompt_when_none_was_waiting() -> None:
    """The time before the prompt was sent is nobody's."""
    assert longest(run((1, 2), (10, 30))) == 20.0


def test_partitions_are_silent_on_their_own() -> None:
    """Responses of one partition do not break the silence of another."""
    one, other = run((1, 2), (3, 4), (5, 6), partition=0), run((1, 6), partition=1)
    both = replace(one, sent=(*one.sent, *other.sent), responses=(*one.responses, *other.responses))
    assert [(silence.partition, silence.seconds) for silence in silences(both) if silence.seconds > 1] == [(1, 5.0)]


def test_a_fault_is_measured_to_the_next_response_of_each_partition() -> None:
    """Median and longest over all faults of a kind and all partitions; the silence counts for the fault with which it began."""
    evidence = run((1, 2), (3, 4), (5, 15), (16, 17))
    killed = Happened(0, Kind.KILL, "vault/0", 4_500, 4_600)
    cut = Happened(1, Kind.CUT, "", 14_000, 14_500)
    copied = Happened(2, Kind.COPY, "", 4_550, 4_560)
    found = recoveries(replace(evidence, faults=(cut, killed, copied)))
    assert [(each.kind, each.next_max_seconds, each.longest_silence_seconds) for each in found] == [
        (Kind.KILL, 10.5, 10.0),
        (Kind.CUT, 1.0, 1.0),
    ]

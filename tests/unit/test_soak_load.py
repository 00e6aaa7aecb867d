"""What a soak sends."""

from __future__ import annotations

from streamgate.codec import SchemaSet, packaged_schemas
from streamgate.demo._leaks import search
from streamgate.demo.soak._load import CONSENTING, SUBJECTS, Load
from streamgate.detect import scan_patterns
from streamgate.types import Topic


def test_prompts_are_short_different_and_full_of_canaries() -> None:
    """About 100 characters each, no two alike, each with canaries that the search finds."""
    load = Load(7)
    texts = [load.prompt(number).messages[0][1] for number in range(500)]
    assert len(set(texts)) == 500
    assert 80 < sum(map(len, texts)) / 500 < 130
    assert all(search(load.canaries(), {"text": text.encode()}) for text in texts)
    assert all(scan_patterns(text) for text in texts)


def test_the_same_seed_sends_the_same() -> None:
    """A replay has the same prompts, subjects and canaries; another seed has others."""
    assert Load(3).prompt(5).messages == Load(3).prompt(5).messages
    assert Load(3).stem != Load(4).stem


def test_prompts_with_consent_are_a_part() -> None:
    """Subjects are met again and again; some of them need to have consented."""
    load = Load(1)
    assert load.subject(0) == load.subject(SUBJECTS)
    assert {load.prompt(number).purpose for number in range(SUBJECTS)} == {"support", "marketing-drafts"}
    assert load.consents(CONSENTING - 1)
    assert not load.consents(CONSENTING)


def test_what_is_malformed_is_no_event() -> None:
    """No schema reads it, and it holds a canary all the same."""
    schema = SchemaSet.load(packaged_schemas()).latest(Topic.PROMPTS)
    load = Load(2)
    for number in range(4):
        assert not load.malformed(number).startswith(b"\xc3\x01" + schema.fingerprint)
        assert load.stem.encode() in load.malformed(number)


def test_a_conflict_has_the_event_id_and_another_text() -> None:
    """So it is neither a new prompt nor a copy."""
    load = Load(2)
    prompt, conflict = load.prompt(9), load.conflicting(9)
    assert (prompt.event_id, prompt.key) == (conflict.event_id, conflict.key)
    assert prompt.messages != conflict.messages

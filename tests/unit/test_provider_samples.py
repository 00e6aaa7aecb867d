"""The demo's samples are what they say: complete lists of what is planted, and events that the schema takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streamgate.codec import SchemaSet
from streamgate.demo._sample import SAMPLES, Sample, SampleKind
from streamgate.errors import Code, Status
from streamgate.types import Topic

SCHEMAS = SchemaSet.load(Path(__file__).parents[2] / "schemas")
WORD = re.compile(r"\w{4,}")


def each(*, sent_as_prompts: bool = False) -> pytest.MarkDecorator:
    chosen = [sample for sample in SAMPLES if not sent_as_prompts or sample.kind is not SampleKind.MALFORMED]
    return pytest.mark.parametrize("sample", chosen, ids=lambda sample: sample.name)


@each()
def test_everything_planted_stands_in_the_sample(sample: Sample) -> None:
    """Or the demo would count a value that nobody sent."""
    text = sample.text()
    assert [planted.kind for planted in sample.planted if planted.value not in text] == []


@each()
def test_planted_values_can_be_searched_for(sample: Sample) -> None:
    """Four characters or more, none twice, and no word of one stands elsewhere in the prompt, where it would count as missed."""
    values = [planted.value for planted in sample.planted]
    assert len(values) == len(set(values))
    assert all(len(value) >= 4 for value in values)
    rest = sample.text().casefold()
    for value in sorted(values, key=len, reverse=True):
        rest = rest.replace(value.casefold(), " ")
    words = {word for value in values for word in WORD.findall(value.casefold())}
    assert words & set(WORD.findall(rest)) == set()


@each(sent_as_prompts=True)
def test_the_schema_takes_it(sample: Sample) -> None:
    """Encoded and decoded again, it is the same prompt."""
    schema = SCHEMAS.latest(Topic.PROMPTS)
    record = schema.decode(schema.encode(sample.prompt(deadline_ms=5).record(7)))
    assert (record["event_id"], record["deadline_at"]) == (sample.name, 5)
    assert [part["text"] for message in record["messages"] for part in message["content"]] == [text for _, text in sample.messages]


def test_the_traffic_is_what_the_demo_promises() -> None:
    """Unique names, every way to end, two subjects with one first name, and a conversation of one subject."""
    names = [sample.name for sample in SAMPLES]
    assert len(names) == len(set(names))
    endings = {(sample.expects.status, sample.expects.code) for sample in SAMPLES}
    assert endings == {
        (Status.ANSWERED, Code.OK),
        (Status.REFUSED, Code.UNKNOWN_PURPOSE),
        (Status.REFUSED, Code.NO_CONSENT),
        (Status.FAILED, Code.DEADLINE_EXCEEDED),
        (None, Code.NOT_AVRO),
    }
    marias = {sample.subject for sample in SAMPLES for planted in sample.planted if planted.value.startswith("Maria ")}
    assert len(marias) == 2
    assert len({sample.subject for sample in SAMPLES if sample.name.startswith("conversation-")}) == 1


def test_no_repr_shows_what_is_planted() -> None:
    """Samples are invented, and are treated as if they were not."""
    shown = repr(SAMPLES)
    assert not any(planted.value in shown for sample in SAMPLES for planted in sample.planted)
    assert not any(planted.value in repr(planted) for sample in SAMPLES for planted in sample.planted)

"""Spans lie on the original text, whatever the text is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.detect import EntityType, Span, merge, scan_patterns

TEXT = st.text(max_size=200)
PIECES = st.lists(
    st.sampled_from(
        [
            "maria@example.com",
            "+49 151 23456789",
            " ",
            "\u200b",
            "Ünï",
            "４１１１",
            "[PERSON_k7q2fa2c]",
            "my name is Zoë",
            "\n",
            "👩‍👩‍👧",
            "a",
            "12",
        ]
    ),
    max_size=20,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(TEXT | PIECES)
def test_spans_are_sorted_disjoint_and_inside(text: str) -> None:
    """For any Unicode text the merged spans are in order, do not overlap and lie within the text."""
    end = 0
    for span in merge(text, scan_patterns(text)):
        assert end <= span.start < span.end <= len(text)
        end = span.end


@settings(max_examples=150, deadline=None)
@given(TEXT, st.lists(st.tuples(st.integers(-5, 220), st.integers(-5, 220)), max_size=8))
def test_merge_covers_what_it_was_given_and_is_idempotent(text: str, ends: list[tuple[int, int]]) -> None:
    """Every sensible finding is covered by the result, and merging the result again changes nothing."""
    spans = [Span(start, end, EntityType.OTHER, 0.5, "t") for start, end in ends]
    merged = merge(text, spans)
    for span in spans:
        if 0 <= span.start < span.end <= len(text):
            assert any(each.start <= span.start and span.end <= each.end for each in merged)
    assert merge(text, merged) == merged

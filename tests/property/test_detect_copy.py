"""The copy that is searched: every place in it leads back to the original."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streamgate.detect import EntityType, Span, scan_copy, scan_patterns

ODD = st.sampled_from(["\u00a0", "\u00ad", "\u2011", "\uff14", "ﬁ", "ß", "İ", "%40", "\\u0040", "&#64;", "&amp;", "e\u0301", "😀"])
TEXTS = st.lists(st.one_of(st.text(max_size=6), ODD, st.sampled_from(["4111 1111", "jane@example.com "])), max_size=20).map("".join)


@given(TEXTS, st.booleans())
def test_places_lead_back_in_order_and_within_the_text(text: str, fold: bool) -> None:  # noqa: FBT001
    """Starts and ends never go backwards, every character of the copy covers at least one of the original."""
    copy = scan_copy(text, fold=fold)
    spans = [copy.back(Span(at, at + 1, EntityType.OTHER, 1.0, "t")) for at in range(len(copy.text))]
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(one.start <= other.start and one.end <= other.end for one, other in pairwise(spans))


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="%&\\"), max_size=200))
def test_plain_ascii_is_its_own_copy(text: str) -> None:
    """Nothing is copied and nothing moves."""
    copy = scan_copy(text)
    assert (copy.text, copy.starts) == (text, None)


@given(TEXTS)
def test_findings_lie_on_the_original(text: str) -> None:
    """However odd the text is."""
    assert all(0 <= span.start < span.end <= len(text) for span in scan_patterns(text))

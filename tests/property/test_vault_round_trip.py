"""Whatever the text, the spans and the values: masking and restoring change nothing, and nobody else's value ever appears."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamgate.errors import Refused
from streamgate.types import MaskedText
from streamgate.vault import ENTITIES, TokenMap, constant_text, join_masked, restore
from tests.fakes.vault import Marked, keys_of

VALUES = ["Maria", "MARIA", "maria ", "Jörg Weiß", "4111 1111 1111 1111", "a@b.de", "+49 30 1234", "x", "[PERSON_abcdefg2]", "CREDIT_CARD"]
KEYS = keys_of()


def own_tokens() -> list[str]:
    """Tokens that this very subject gets for these values, and their parts: the worst text there can be."""
    masker = KEYS.masker()
    tokens = [
        masker.mask_whole(value, entity).text for value in VALUES for entity in ("PERSON", "EMAIL", "CREDIT_CARD", "LITERAL", "SECRET")
    ]
    codes = [part for token in tokens for part in token.strip("[]").split("_")]
    return [*tokens, *[token.lower() for token in tokens], *[token.strip("[]") for token in tokens], *codes]


SOUP = [
    "[", "]", "(", ")", "{", "}", "<", ">", "「", "」", "_", "\\_", "\\", "\\[", "\\]", "-", "\u2011", " ", "\u00a0", "\n", "*", "**", "`",
    "&#91;", "&#95;", "&#93;", "&lsqb;", "&lowbar;", "&lt;", "&gt;", "PERSON", "person", "Personne", "人物", "CREDIT", "CARD", "IP", "ADDRESS",
    "abcdefg2", "ABCDEFG2", "standing", "abcd", "AB2D", "s", "'s", "x", "é", "\ud800", "PASSPORT", "[PERSON_", "_abcdefg2]", "ſ", "K",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from([*SOUP, *VALUES, *own_tokens()]) | st.text(max_size=4), max_size=24).map("".join)
SPANS = st.lists(st.builds(Marked, st.integers(-3, 150), st.integers(-3, 150), st.sampled_from([*ENTITIES, "NO_SUCH_TYPE"])), max_size=6)


@given(text=TEXTS, spans=SPANS)
def test_restoring_what_was_masked_gives_the_text_back(text: str, spans: list[Marked]) -> None:
    """For any text, token-like or not, and any spans, overlapping or out of bounds."""
    masker = KEYS.masker()
    masked = masker.mask_spans(text, spans)
    restored = restore(masked.text, masker.token_map)
    assert restored.text == text
    assert (restored.recovered, restored.unresolved) == (0, 0)


@given(
    parts=st.lists(st.tuples(TEXTS, SPANS, st.sampled_from(["spans", "whole", "plain"])), max_size=5),
    separator=st.sampled_from(["\n", "\n\n", "", " ", "_"]),
)
def test_parts_of_one_request_restore_together_and_each_alone(parts: list[tuple[str, list[Marked], str]], separator: str) -> None:
    """Tokens of one part are known when another part that looks like them is restored; a seam that would form a token is refused."""
    masker = KEYS.masker()
    masked: list[MaskedText] = [constant_text("Known: ")]
    for text, spans, how in parts:
        match how:
            case "spans":
                masked.append(masker.mask_spans(text, spans))
            case "whole":
                masked.append(masker.mask_whole(text, "PERSON"))
            case _:
                masked.append(masker.plain(text))
    for part, (text, _, _) in zip(masked[1:], parts, strict=True):
        assert restore(part.text, masker.token_map).text == text
    try:
        joined = join_masked(separator, masked)
    except Refused:
        assert "\n" not in separator
        return
    assert restore(joined.text, masker.token_map).text == separator.join(["Known: ", *[text for text, _, _ in parts]])


@given(text=TEXTS)
def test_an_empty_map_restores_nothing(text: str) -> None:
    """Nothing comes from anywhere but the map."""
    restored = restore(text, TokenMap.of({}))
    assert restored.text == text
    assert (restored.restored, restored.recovered) == (0, 0)


@given(text=TEXTS, spans=SPANS, answer=TEXTS)
def test_tokens_of_one_subject_never_restore_with_anothers_map(text: str, spans: list[Marked], answer: str) -> None:
    """B's map is full of B's own values for the same names; A's tokens stay tokens."""
    mine, theirs = KEYS.masker(), keys_of("other").masker()
    masked = mine.mask_spans(text, spans)
    for value in VALUES:
        for entity in ENTITIES:
            theirs.mask_whole(f"theirs {value}", entity)
    for foreign in (masked.text, masked.text.lower(), masked.text.replace("_", " ")):
        assert "theirs" not in restore(foreign, theirs.token_map).text
    assert "theirs" not in restore(answer, theirs.token_map).text


@given(text=TEXTS, spans=SPANS, answer=TEXTS)
def test_only_values_of_the_map_are_put_in(text: str, spans: list[Marked], answer: str) -> None:
    """An answer without any code of the map comes back as it was."""
    masker = KEYS.masker()
    masker.mask_spans(text, spans)
    token_map = masker.token_map
    codes = {token.code for token in token_map.entries}
    if not any(code in answer.lower() for code in codes):
        assert restore(answer, token_map).text == answer

"""Tokens as functions of keys, type and value; bent forms of them; the persisted map."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from hypothesis import assume, given
from hypothesis import strategies as st

from streamgate.errors import SealBroken
from streamgate.vault import ENTITIES, TokenMap, restore
from streamgate.vault._entities import canonical, normalise
from streamgate.vault._token import EXACT_TOKEN
from tests.fakes.vault import Marked, keys_of

WORDS = st.text(min_size=1, max_size=12)
TYPES = st.sampled_from([entity for entity in ENTITIES if entity != "LITERAL"])
KEYS = keys_of()


@given(value=WORDS, entity=TYPES, before=WORDS)
def test_a_value_has_one_token_for_a_subject_and_purpose(value: str, entity: str, before: str) -> None:
    """Whatever was masked before it, in whatever request."""
    busy = KEYS.masker()
    busy.mask_whole(before, "PERSON")
    token = busy.mask_whole(value, entity).text
    assert token == KEYS.masker().mask_whole(value, entity).text
    assert EXACT_TOKEN.fullmatch(token)


@given(value=WORDS, entity=TYPES)
def test_a_value_has_other_tokens_for_other_subjects_purposes_and_types(value: str, entity: str) -> None:
    """So nothing outside can link them."""
    other = "DATE" if entity != "DATE" else "AGE"
    tokens = [
        KEYS.masker().mask_whole(value, entity).text,
        keys_of("other").masker().mask_whole(value, entity).text,
        keys_of(purpose="marketing").masker().mask_whole(value, entity).text,
        KEYS.masker().mask_whole(value, other).text,
    ]
    codes = {found["code"] for token in tokens if (found := EXACT_TOKEN.fullmatch(token))}
    assert len(codes) == len(tokens)


@given(one=WORDS, two=WORDS, entity=TYPES)
def test_two_forms_never_share_a_token_and_equal_values_share_a_code(one: str, two: str, entity: str) -> None:
    """The variant part tells forms apart; the code tells values apart."""
    assume(one != two)
    first, second = (EXACT_TOKEN.fullmatch(KEYS.masker().mask_whole(value, entity).text) for value in (one, two))
    assert first is not None
    assert second is not None
    assert first[0] != second[0]
    assert (first["code"] == second["code"]) == (normalise(entity, one) == normalise(entity, two))


@given(value=WORDS, entity=TYPES)
def test_only_the_canonical_form_goes_without_a_variant(value: str, entity: str) -> None:
    """One form per value, so a token without a variant is never ambiguous."""
    found = EXACT_TOKEN.fullmatch(KEYS.masker().mask_whole(value, entity).text)
    assert found is not None
    assert (found["variant"] is None) == (value == canonical(entity, normalise(entity, value)))


BENDS: dict[str, Callable[[str], str]] = {
    "lower case": str.lower,
    "upper case": str.upper,
    "round brackets": lambda token: f"({token[1:-1]})",
    "curly brackets": lambda token: f"{{{token[1:-1]}}}",
    "angle brackets": lambda token: f"<{token[1:-1]}>",
    "corner brackets": lambda token: f"「{token[1:-1]}」",
    "Markdown escapes": lambda token: token.replace("_", "\\_").replace("[", "\\[").replace("]", "\\]"),
    "HTML entities": lambda token: token.replace("[", "&#91;").replace("_", "&#95;").replace("]", "&#93;"),
    "no brackets": lambda token: token[1:-1],
    "emphasis inside": lambda token: f"[**{token[1:-1]}**]",
    "code inside": lambda token: f"[`{token[1:-1]}`]",
}


@given(values=st.lists(WORDS, min_size=1, max_size=4, unique=True), entity=TYPES, how=st.sampled_from(sorted(BENDS)))
def test_bent_tokens_come_back_when_one_entry_fits(values: list[str], entity: str, how: str) -> None:
    """Each of these forms still says the whole code, and the variant if there is one."""
    masker = KEYS.masker()
    tokens = [masker.mask_whole(value, entity).text for value in values]
    bent = "; ".join(BENDS[how](token) for token in tokens)
    restored = restore(bent, masker.token_map)
    assert restored.recovered == len(values)
    assert restored.unresolved == 0
    assert restored.text == "; ".join(values)


@given(value=WORDS, entity=TYPES, place=st.integers(0, 7), letter=st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_code_with_a_wrong_character_is_never_recovered(value: str, entity: str, place: int, letter: str) -> None:
    """Near is not enough: the nearest entry may be another person."""
    masker = KEYS.masker()
    token = masker.mask_whole(value, entity).text
    start = len(f"[{entity}_")
    assume(token[start + place] != letter)
    wrong = token[: start + place] + letter + token[start + place + 1 :]
    short = token[: start + place] + token[start + place + 1 :]
    for answer in (wrong, short, wrong.lower(), wrong[1:-1]):
        assert restore(answer, masker.token_map).text == answer


@given(st.dictionaries(st.tuples(TYPES, WORDS), st.none(), max_size=8))
def test_a_token_map_survives_its_bytes(values: dict[tuple[str, str], None]) -> None:
    """And equal maps have equal bytes, whatever order their tokens came in."""
    masker, reverse = KEYS.masker(), KEYS.masker()
    for entity, value in values:
        masker.mask_whole(value, entity)
    for entity, value in reversed(list(values)):
        reverse.mask_whole(value, entity)
    data = masker.token_map.to_bytes()
    assert TokenMap.from_bytes(data) == masker.token_map
    assert reverse.token_map.to_bytes() == data


@given(st.binary(max_size=60).map(lambda data: b"\x01" + data) | st.binary(max_size=20))
def test_any_bytes_are_a_token_map_or_a_broken_seal(data: bytes) -> None:
    """Never another error, and never a second way to write a map."""
    with contextlib.suppress(SealBroken):
        assert TokenMap.from_bytes(data).to_bytes() == data


@given(text=st.text(max_size=40), start=st.integers(0, 40), size=st.integers(1, 10))
def test_no_masked_value_is_left_in_the_text(text: str, start: int, size: int) -> None:
    """The masked text is the text around the span and one token."""
    value = text[start : start + size]
    assume(value)
    masked = KEYS.masker().mask_spans(text, [Marked(start, start + size)]).text
    assert masked == text[:start] + KEYS.masker().mask_whole(value, "PERSON").text + text[start + size :]

"""Masking: what becomes a token, what is escaped, what is refused."""

from __future__ import annotations

import pytest

from streamgate.errors import Code, Refused
from streamgate.types import MaskedText
from streamgate.vault import Masker, SecretKey, Token, constant_text, join_masked, restore
from streamgate.vault._token import Tokeniser
from tests.fakes.vault import Marked, keys_of


class OneCode(Tokeniser):
    """Gives every value the same token, as a collision would."""

    def __init__(self, *, variants: bool) -> None:
        super().__init__(SecretKey(bytes(32)), SecretKey(bytes(32)))
        self.variants = variants

    def token(self, entity: str, value: str) -> tuple[Token, str]:
        return Token(entity, "aaaaaaaa", "aaaa" if self.variants else ""), "same" if self.variants else value


@pytest.mark.parametrize("variants", [False, True])
def test_two_values_in_one_token_refuse_the_request(*, variants: bool) -> None:
    """Whether their codes met or the variants of one value; the same value again is no collision."""
    masker = Masker(OneCode(variants=variants))
    masker.mask_whole("Maria", "PERSON")
    masker.mask_whole("Maria", "PERSON")
    with pytest.raises(Refused) as refused:
        masker.mask_whole("Mario", "PERSON")
    assert refused.value.code is Code.TOKEN_COLLISION
    assert "Mario" not in str(refused.value)


def test_forms_of_one_value_share_a_code_and_restore_exactly() -> None:
    """``Maria`` goes without a variant part, ``MARIA`` has one."""
    masker = keys_of().masker()
    masked = masker.mask_spans("Maria MARIA", [Marked(0, 5), Marked(6, 11)]).text
    plain, shouted = masked.split(" ")
    assert shouted.startswith(plain[:-1] + "_")
    assert restore(masked, masker.token_map).text == "Maria MARIA"


@pytest.mark.parametrize(
    ("entity", "one", "two"),
    [
        ("PERSON", "Jörg  Weiß", "JÖRG WEISS"),
        ("CREDIT_CARD", "4111 1111 1111 1111", "4111-1111-1111-1111"),
        ("IBAN", "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        ("PHONE", "+49 (30) 1234", "+49301234"),
        ("PHONE", "٠١٢٣", "0123"),
        ("EMAIL", "A@B.de", "a@b.DE"),
    ],
)
def test_one_value_in_two_forms_has_one_code(entity: str, one: str, two: str) -> None:
    """Normalised by type: case, width, blanks, punctuation, digits of other scripts."""
    masker = keys_of().masker()
    codes = {masker.mask_whole(value, entity).text.removeprefix(f"[{entity}_")[:8] for value in (one, two)}
    assert len(codes) == 1


@pytest.mark.parametrize(("entity", "one", "two"), [("SECRET", "aB", "ab"), ("URL", "x.org/A", "x.org/a"), ("PHONE", "+12", "12")])
def test_where_form_is_meaning_two_forms_are_two_values(entity: str, one: str, two: str) -> None:
    """A password's case, a path's case, a country code."""
    masker = keys_of().masker()
    codes = {masker.mask_whole(value, entity).text.removeprefix(f"[{entity}_")[:8] for value in (one, two)}
    assert len(codes) == 2


def test_overlapping_spans_are_masked_as_one() -> None:
    """Nothing of either is left, whatever their order."""
    masked = keys_of().masker().mask_spans("call Maria Weiss now", [Marked(11, 16, "LOCATION"), Marked(5, 12)]).text
    assert masked == f"call {keys_of().masker().mask_whole('Maria Weiss', 'PERSON').text} now"


@pytest.mark.parametrize(
    "text", ["[PERSON_abcdefg2]", "person_abcdefgh", "(Personne_abcdefg2)", "[abcdefg2]", "&#91;PERSON&#95;abcdefg2&#93;"]
)
def test_text_that_looks_like_a_token_is_escaped(text: str) -> None:
    """It comes back as it was, and can be taken for nobody's token on the way."""
    masker = keys_of().masker()
    masked = masker.plain(f"say {text}!").text
    assert masked.startswith("say [LITERAL_")
    assert restore(masked, masker.token_map).text == f"say {text}!"


@pytest.mark.parametrize("text", ["the person standing there", "data[user_variable]", "f(my_function)", "date-specific", "(children)"])
def test_ordinary_text_is_not_escaped(text: str) -> None:
    """Words of eight letters are common; the model should see them."""
    assert keys_of().masker().plain(text).text == text


def test_a_token_written_around_a_value_stays_text() -> None:
    """Half a token before a value and half after it change neither the value's token nor themselves."""
    masker = keys_of().masker()
    text = "[PERSON_Maria_abcd]"
    masked = masker.mask_spans(text, [Marked(8, 13)]).text
    assert masked.startswith("[PERSON_[PERSON_")
    assert restore(masked, masker.token_map).text == text


def test_parts_that_would_form_a_token_at_their_seam_are_refused() -> None:
    """A line break never forms one."""
    masker = keys_of().masker()
    parts = [masker.plain("[PERSON_"), masker.plain("abcdefg2]")]
    with pytest.raises(Refused):
        join_masked("", parts)
    assert join_masked("\n", parts).text == "[PERSON_\nabcdefg2]"


def test_a_constant_may_not_look_like_a_token() -> None:
    """It is our own text, so this is a mistake of the program."""
    assert constant_text("Known:") == MaskedText("Known:")
    for text in ("[PERSON_abcdefg2]", "person_abcdefgh"):
        with pytest.raises(ValueError, match="constant"):
            constant_text(text)


def test_empty_text_has_no_token_and_an_unknown_entity_is_still_masked() -> None:
    """An annotation with a type of its own must not leave the value in the clear."""
    masker = keys_of().masker()
    assert masker.mask_whole("", "PERSON").text == ""
    assert masker.mask_whole("4711", "customer number").text.startswith("[OTHER_")

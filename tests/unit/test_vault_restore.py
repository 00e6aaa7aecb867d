"""What a model may do to a token, and what comes of it."""

from __future__ import annotations

import pytest

from streamgate.vault import Token, TokenMap, restore

MARIA = Token("PERSON", "k7q2fabc")
SHOUTED = Token("PERSON", "k7q2fabc", "m3xd")
MAIL = Token("EMAIL", "abcdefgh")
CARD = Token("CREDIT_CARD", "zz22yy33")
SHARED = (Token("PERSON", "share2d2"), Token("USERNAME", "share2d2"))
MAP = TokenMap.of({MARIA: "Maria", SHOUTED: "MARIA", MAIL: "m@x.org", CARD: "4111", SHARED[0]: "Max", SHARED[1]: "max1"})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("[PERSON_k7q2fabc]", "Maria"),
        ("[PERSON_k7q2fabc_m3xd]", "MARIA"),
        ("[PERSON_k7q2fabc]'s and [PERSON_k7q2fabc]s", "Maria's and Marias"),
        ("**[PERSON_k7q2fabc]**", "**Maria**"),
        ("[[PERSON_k7q2fabc]]", "[Maria]"),
        ("[PERSON_[PERSON_k7q2fabc]]", "[PERSON_Maria]"),
    ],
)
def test_exact_tokens_are_replaced_and_what_surrounds_them_stays(answer: str, expected: str) -> None:
    """Suffixes, emphasis and further brackets are not the token's."""
    restored = restore(answer, MAP)
    assert (restored.text, restored.recovered, restored.unresolved) == (expected, 0, 0)
    assert restored.restored >= 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("[person_k7q2fabc]", "Maria"),
        ("[Person_K7Q2FABC_M3XD]", "MARIA"),
        ("(PERSON_k7q2fabc)", "Maria"),
        ("{PERSON_k7q2fabc}", "Maria"),
        ("<PERSON_k7q2fabc>", "Maria"),
        ("「PERSON_k7q2fabc」", "Maria"),
        ("【PERSON_k7q2fabc】", "Maria"),
        ("\\[PERSON\\_k7q2fabc\\]", "Maria"),
        ("&#91;PERSON&#95;k7q2fabc&#93;", "Maria"),
        ("&lt;PERSON_k7q2fabc&gt;", "Maria"),
        ("[PERSON k7q2fabc]", "Maria"),
        ("[PERSON-k7q2fabc-m3xd]", "MARIA"),
        ("[PERSON k7q2fabc m3xd]", "MARIA"),
        ("[`PERSON_k7q2fabc`]", "Maria"),
        ("[**PERSON_k7q2fabc**]", "Maria"),
        ("`PERSON_k7q2fabc`", "`Maria`"),
        ("PERSON_k7q2fabc's", "Maria's"),
        ("Dear PERSON k7q2fabc said", "Dear Maria said"),
        ("PERSON_k7q2fabc said", "Maria said"),
        ("PERSON-k7q2fabc-like", "Maria-like"),
        ("[PERSON_k7q2fabc", "[Maria"),
        ("(see PERSON_k7q2fabc)", "(see Maria)"),
        ("EMAIL_abcdefgh", "m@x.org"),
        ("[Credit Card_zz22yy33]", "4111"),
        ("CREDIT\\_CARD\\_zz22yy33", "4111"),
        ("creditcard_zz22yy33", "4111"),
        ("[Personne_k7q2fabc]", "Maria"),
        ("[人物_k7q2fabc_m3xd]", "MARIA"),
        ("[tarjeta de crédito_zz22yy33]", "4111"),
        ("[k7q2fabc]", "Maria"),
        ("[USERNAME share2d2]", "max1"),
    ],
)
def test_bent_tokens_are_recovered_when_one_entry_fits(answer: str, expected: str) -> None:
    """Case, brackets, separators, escapes and emphasis may be lost; a translated or dropped type only inside brackets."""
    restored = restore(answer, MAP)
    assert (restored.text, restored.restored, restored.recovered, restored.unresolved) == (expected, 0, 1, 0)


@pytest.mark.parametrize(
    "answer",
    [
        "[PERSON_aaaaaaaa]",
        "[PERSON_k7q2fabc_aaaa]",
        "[EMAIL_k7q2fabc]",
        "email_k7q2fabc",
        "[Nombre_share2d2]",
        "[share2d2]",
    ],
)
def test_tokens_that_no_entry_or_several_fit_stay_and_are_counted(answer: str) -> None:
    """An unknown code, an unknown variant, another type of ours, or two entries."""
    restored = restore(answer, MAP)
    assert (restored.text, restored.restored, restored.recovered, restored.unresolved) == (answer, 0, 0, 1)


@pytest.mark.parametrize(
    "answer",
    [
        "the person standing there",
        "k7q2fabc",
        "(k7q2fabc)",
        "xPERSON_k7q2fabc",
        "PERSON_k7q2fabcd",
        "PERSON_k7q2fab",
        "PERSON\nk7q2fabc",
        "Name_k7q2fabc",
        "[abcdefgh]",
        "[correo_abcdefgh]",
        "PERSONk7q2fabc",
        "PERſON_k7q2fabc",
    ],
)
def test_text_that_only_resembles_a_token_is_left_alone(answer: str) -> None:
    """Prose, a code of another length, a bare code, an unknown word without brackets or digits, another alphabet."""
    restored = restore(answer, MAP)
    assert (restored.text, restored.restored, restored.recovered, restored.unresolved) == (answer, 0, 0, 0)


def test_a_lost_variant_is_recovered_only_without_a_rival() -> None:
    """One entry with that code may be meant; with two, neither is taken."""
    alone = TokenMap.of({SHOUTED: "MARIA"})
    rivals = TokenMap.of({SHOUTED: "MARIA", Token("PERSON", "k7q2fabc", "zzzz"): "maria"})
    assert restore("[PERSON_k7q2fabc]", alone).text == "MARIA"
    assert restore("[PERSON_k7q2fabc]", rivals).text == "[PERSON_k7q2fabc]"


def test_restored_values_are_not_searched_again() -> None:
    """A value that is itself a token stays what it is."""
    token_map = TokenMap.of({MARIA: "[EMAIL_abcdefgh]", MAIL: "m@x.org"})
    assert restore("[PERSON_k7q2fabc] (PERSON_k7q2fabc)", token_map).text == "[EMAIL_abcdefgh] [EMAIL_abcdefgh]"

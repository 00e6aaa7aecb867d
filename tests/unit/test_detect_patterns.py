"""Patterns: each finds what it is for, and leaves look-alikes alone."""

from __future__ import annotations

import pytest

from streamgate.detect import EntityType as E
from streamgate.detect import Span, final_scan, merge, merge_all, scan_patterns

FOUND = [
    ("mail me at anna.b@example.org please", "anna.b@example.org", E.EMAIL),
    ("card 4111 1111 1111 1111 exp 12/27", "4111 1111 1111 1111", E.CREDIT_CARD),
    ("IBAN DE89 3704 0044 0532 0130 00.", "DE89 3704 0044 0532 0130 00", E.IBAN),
    ("call +49 151 23456789 today", "+49 151 23456789", E.PHONE),
    ("my tel is 030 1234567", "030 1234567", E.PHONE),
    ("ssn 078-05-1120", "078-05-1120", E.NATIONAL_ID),
    ("DNI 12345678Z", "12345678Z", E.NATIONAL_ID),
    ("CPF 111.444.777-35", "111.444.777-35", E.NATIONAL_ID),
    ("codice RSSMRA85T10A562S", "RSSMRA85T10A562S", E.TAX_ID),
    ("NHS number 943 476 5919", "943 476 5919", E.HEALTH_ID),
    ("passport no C01X00T47", "C01X00T47", E.PASSPORT),
    ("from 203.0.113.9 at noon", "203.0.113.9", E.IP_ADDRESS),
    ("mac 00:1B:44:11:3A:B7", "00:1B:44:11:3A:B7", E.MAC_ADDRESS),
    ("see https://example.com/u/anna?id=7 now", "https://example.com/u/anna?id=7", E.URL),
    ("key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", E.SECRET),
    ("OPENAI_API_KEY=sk-proj-abcdEFGH12345678", "sk-proj-abcdEFGH12345678", E.SECRET),
    ('{"password": "hunter22!"}', "hunter22!", E.SECRET),
    ("postgres://app:s3cr3tpw@db/x", "s3cr3tpw", E.SECRET),
    ("Hello, my name is Łukasz Nowak.", "Łukasz Nowak", E.PERSON),
    ("Sehr geehrte Frau Müller-Lüdenscheidt, guten Tag", "Müller-Lüdenscheidt", E.PERSON),
    ("me llamo Iratxe Goikoetxandia y", "Iratxe Goikoetxandia", E.PERSON),
    ("name: jane doe\nage: 41", "jane doe", E.PERSON),
    ("I live at 12 Baker Street, London NW1 6XE", "12 Baker Street, London NW1 6XE", E.ADDRESS),
    ("wohnt Hauptstraße 5, 10115 Berlin", "Hauptstraße 5, 10115 Berlin", E.ADDRESS),
    ("born 3 March 1984 in", "3 March 1984", E.DATE),
    ("geboren am 14.03.1985", "14.03.1985", E.DATE),
    ("order number 4711-2290 is late", "4711-2290", E.ACCOUNT),
    ("at /home/jdoe/.ssh", "jdoe", E.USERNAME),
    ("wallet 0x52908400098527886E0F7030069857D2E4169EE7", "0x52908400098527886E0F7030069857D2E4169EE7", E.CRYPTO_ADDRESS),
    ("at 52.5200, 13.4050 now", "52.5200, 13.4050", E.COORDINATES),
]
LEFT_ALONE = [
    "4111 1111 1111 1112",  # no Luhn
    "GB00 WEST 1234 5698 7654 32",  # no ISO 7064
    "version 1.2.3 of the program",
    "127.0.0.1",
    "the year 2024 was good",
    "def main(argument): return argument + 1",
    "Please summarise the article about photosynthesis in three sentences.",
]


@pytest.mark.parametrize(("text", "value", "kind"), FOUND, ids=lambda each: str(each)[:24])
def test_found(text: str, value: str, kind: E) -> None:
    """The value is found where it stands, whole, as its type."""
    found = {(text[span.start : span.end], span.type) for span in merge(text, scan_patterns(text))}
    assert any(value in whole and kind is type_ for whole, type_ in found), found


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_left_alone(text: str) -> None:
    """Look-alikes without a valid checksum, versions, code and plain sentences are not touched."""
    assert [span.by for span in merge(text, scan_patterns(text))] == []


def test_a_word_is_never_cut() -> None:
    """A finding that ends within a word grows to the word's end."""
    (span,) = merge("Mariana wrote", [Span(0, 5, E.PERSON, 0.5, "test")])
    assert (span.start, span.end) == (0, 7)


def test_overlaps_become_one_with_the_better_evidence() -> None:
    """Nothing that any of two overlapping findings covers is left out, and the type is the surer one's."""
    (span,) = merge("x" * 20, [Span(0, 20, E.URL, 0.5, "a"), Span(0, 20, E.EMAIL, 1.0, "b")])
    assert (span.type, span.start, span.end) == (E.EMAIL, 0, 20)


def test_values_are_found_again_in_all_texts_of_a_prompt() -> None:
    """What one text gives away is masked in the others, in any case."""
    texts = ["I am Maria.", "MARIA agrees"]
    merged = merge_all(texts, [[Span(5, 10, E.PERSON, 0.9, "t")], []])
    assert [texts[1][span.start : span.end] for span in merged[1]] == ["MARIA"]


def test_final_scan_ignores_tokens() -> None:
    """A payload of tokens may leave; an address beside one may not."""
    assert final_scan("Dear [PERSON_k7q2fa2c], [EMAIL_aaaaaaaa_bbbb]") == ()
    assert [span.type for span in final_scan("[PERSON_k7q2fa2c] is at a.b@example.com")] == [E.EMAIL]

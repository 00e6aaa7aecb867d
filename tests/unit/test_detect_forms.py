"""What reads the same is found the same: other blanks, dashes, digits and widths, invisible characters, escapes; and values found again."""

from __future__ import annotations

import pytest

from streamgate.detect import EntityType as E
from streamgate.detect import Span, final_scan, find_marked, merge, merge_all, scan_copy, scan_patterns

PHONE, IBAN, CARD, SSN, MAIL = (
    "+44 20 7946 0958",
    "DE89 3704 0044 0532 0130 00",
    "4111 1111 1111 1111",
    "536-22-8726",
    "jane.doe@example.com",
)
FORMS = {
    "no-break spaces": (PHONE.replace(" ", "\u00a0"), E.PHONE),
    "narrow no-break spaces": (PHONE.replace(" ", "\u202f"), E.PHONE),
    "iban with no-break spaces": (IBAN.replace(" ", "\u00a0"), E.IBAN),
    "card with thin spaces": (CARD.replace(" ", "\u2009"), E.CREDIT_CARD),
    "full-width card": ("".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in CARD), E.CREDIT_CARD),
    "arabic-indic card": ("".join(chr(ord(c) - 48 + 0x660) if c.isdigit() else c for c in CARD), E.CREDIT_CARD),
    "non-breaking hyphens": (SSN.replace("-", "\u2011"), E.NATIONAL_ID),
    "full-width at": (MAIL.replace("@", "\uff20"), E.EMAIL),
    "soft hyphen": (MAIL.replace("doe", "d\u00adoe"), E.EMAIL),
    "zero-width space": (MAIL.replace("@", "\u200b@"), E.EMAIL),
    "json escape": (MAIL.replace("@", "\\u0040"), E.EMAIL),
    "percent escape": (MAIL.replace("@", "%40"), E.EMAIL),
    "decimal entity": (MAIL.replace("@", "&#64;"), E.EMAIL),
    "hexadecimal entity": (MAIL.replace("@", "&#x40;"), E.EMAIL),
    "named entity": (MAIL.replace("@", "&commat;"), E.EMAIL),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_whole(form: str) -> None:
    """From its first to its last character as it was written, with text before and after."""
    value, kind = FORMS[form]
    text = f"Écrivez à {value}, merci"
    assert [(text[span.start : span.end], span.type) for span in merge(text, scan_patterns(text))] == [(value, kind)]


@pytest.mark.parametrize("form", [form for form, (_, kind) in FORMS.items() if kind in {E.EMAIL, E.IBAN, E.CREDIT_CARD}])
def test_the_final_scan_sees_the_same(form: str) -> None:
    """What vault would have masked does not leave by egress either; tokens are left alone."""
    value, kind = FORMS[form]
    assert [span.type for span in final_scan(f"[PERSON_k7q2fa3c] wrote {value}.")] == [kind]
    assert final_scan("[PERSON_k7q2fa3c] wrote to [EMAIL_k7q2fa3c_abcd]\u00a0today.") == ()


@pytest.mark.parametrize("text", ["100%25 of it", "50% off & more", "C:\\users\\u12", "&#0; &#xD800; &#1114112;", "a &unknown; b"])
def test_what_is_no_escape_stays_as_it_is(text: str) -> None:
    """Control characters, surrogates and unknown names are not decoded; nothing is found where nothing is."""
    assert scan_patterns(text) == ()
    copy = scan_copy(text)
    assert copy.back(Span(0, len(copy.text), E.OTHER, 1.0, "t")) == Span(0, len(text), E.OTHER, 1.0, "t")


def again(first: str, second: str, kind: E = E.PERSON) -> list[str]:
    """What is found in a second text once the whole first one is a finding."""
    found = merge_all([first, second], [[Span(0, len(first), kind, 0.9, "t")], []])[1]
    return [second[span.start : span.end] for span in found]


def test_a_value_is_found_again_in_any_case_and_form() -> None:
    """Also where folding changes its length; never inside another word."""
    assert again("Strauß", "Akte Strauß, STRAUSS, strauß, Straußfeder") == ["Strauß", "STRAUSS", "strauß"]
    assert again("İnci", "an İnci geschrieben") == ["İnci"]
    assert again("Zoe Quill", "ZOE\u00a0QUILL and Quill") == ["ZOE\u00a0QUILL", "Quill"]
    assert again("+44 20", "call +44 20 or 1+44 209", E.PHONE) == ["+44 20"]


def test_every_one_of_many_values_is_found_again() -> None:
    """However many there are."""
    names = [f"user{number}@example.org" for number in range(3_000)]
    first, second = " ".join(names), "\n".join(reversed(names))
    spans, at = [], 0
    for name in names:
        spans.append(Span(at, at + len(name), E.EMAIL, 0.9, "t"))
        at += len(name) + 1
    assert len(merge_all([first, second], [spans, []])[1]) == len(names)


@pytest.mark.parametrize(("text", "name"), [("Mr. Du called.", "Du"), ("My name is Lei Tu.", "Tu"), ("Dear Mr. Das,", "Das")])
def test_a_short_name_after_a_title_is_believed(text: str, name: str) -> None:
    """It reads like a word of another language; a model's guess alone would not be believed."""
    found = merge(text, [each for each in scan_patterns(text) if each.type is E.PERSON])
    assert any(text[span.start : span.end].endswith(name) for span in found)
    at = text.index(name)
    assert merge(text, [Span(at, at + len(name), E.PERSON, 0.9, "presidio:person")]) == ()


def test_marked_values_are_found_in_free_text() -> None:
    """What the schema protects in one field is found in every text; short values and plain words are not spread."""
    texts = ["Tell Zoe QUILL (crm/881) that yes, ok", "Quill asked"]
    marked = [("Zoe Quill", E.PERSON), ("crm/881", E.OTHER), ("ok", E.OTHER), ("das", E.PERSON)]
    found = find_marked(texts, [[], []], marked)
    assert [[text[span.start : span.end] for span in spans] for text, spans in zip(texts, found, strict=True)] == [
        ["Zoe QUILL", "crm/881"],
        ["Quill"],
    ]
    assert {span.by for spans in found for span in spans} == {"schema"}
    given = (Span(0, 4, E.DATE, 0.5, "t"),)
    assert find_marked(["2024 ok"], [given], []) == [given]

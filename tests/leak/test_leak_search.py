"""The search itself: it finds a value in each form in which it might hide."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.demo._leaks import remains, search

VALUE = "Zoë Ångström-O'Neill"


@pytest.mark.parametrize(
    "hidden",
    [
        VALUE,
        VALUE.upper(),
        json.dumps({"a": VALUE}),
        quote(VALUE),
        quote_plus(VALUE),
        base64.b64encode(f"x{VALUE}y".encode()).decode(),
        base64.b64encode(f"xx{VALUE}y".encode()).decode(),
        base64.urlsafe_b64encode(f"{VALUE}".encode()).decode(),
    ],
)
def test_each_form_is_found(hidden: str) -> None:
    """Plain, upper case, JSON, URL and base64 at every alignment are found."""
    leaks = search([(VALUE, "PERSON")], {"place": f"before {hidden} after".encode()})
    assert len(leaks) == 1


@given(st.binary(max_size=6), st.text(min_size=8, max_size=40).filter(lambda text: text.strip() == text), st.binary(max_size=6))
def test_base64_of_any_surroundings_is_found(before: bytes, value: str, after: bytes) -> None:
    """Whatever stands before and after a value, its base64 form is found."""
    data = base64.b64encode(before + value.encode() + after)
    assert search([(value, "X")], {"place": data})


def test_absent_values_are_not_reported() -> None:
    """A value that is not there is not found, and a very short one counts only as a word."""
    assert search([("Maria", "PERSON"), ("Ana", "PERSON")], {"place": b"banana marzipan"}) == []


def test_a_leak_does_not_show_its_value() -> None:
    """The repr of a finding names kind and place, never the value."""
    (leak,) = search([(VALUE, "PERSON")], {"log": VALUE.encode()})
    assert VALUE not in repr(leak)


def test_a_word_of_a_value_remains() -> None:
    """A planted value counts as seen when one of its words is still there."""
    assert remains("Maria Oczkowska", "Dear [PERSON_aaaaaaaa] oczkowska")
    assert not remains("Maria Oczkowska", "Dear [PERSON_aaaaaaaa]")

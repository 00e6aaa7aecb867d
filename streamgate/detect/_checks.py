"""Checks that turn a look-alike into a finding, or away. Numbers by python-stdnum, telephone numbers by phonenumbers."""

from __future__ import annotations

import ipaddress
import math
from collections import Counter
from collections.abc import Callable
from typing import Final

import phonenumbers
from stdnum import iban as stdnum_iban
from stdnum import luhn as stdnum_luhn
from stdnum.br import cpf
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.it import codicefiscale
from stdnum.nl import bsn
from stdnum.us import ssn

REGIONS: Final = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "PT", "BR", "IN", "MX", "CH", "AT")
MIN_ENTROPY: Final = 3.0
Check = Callable[[str], bool]


def digits(text: str) -> str:
    """Its digits only."""
    return "".join(character for character in text if character.isdigit())


def card(text: str) -> bool:
    """Luhn, and not one digit over and over."""
    number = digits(text)
    return 13 <= len(number) <= 19 and len(set(number)) > 1 and bool(stdnum_luhn.is_valid(number))  # noqa: PLR2004  ISO/IEC 7812


def iban(text: str) -> bool:
    """ISO 13616, modulo 97, length and form by country."""
    return bool(stdnum_iban.is_valid(text))


def phone(text: str) -> bool:
    """A possible and valid number, international or of one of the regions."""
    number = digits(text)
    if not 7 <= len(number) <= 15:  # noqa: PLR2004  E.164
        return False
    regions: tuple[str | None, ...] = (None,) if text.strip().startswith(("+", "00")) else REGIONS
    spelled = "+" + text.strip()[2:] if text.strip().startswith("00") else text
    for region in regions:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(spelled, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def international(text: str) -> bool:
    """A number with its country code."""
    try:
        return bool(phonenumbers.is_possible_number(phonenumbers.parse(text, None)))
    except phonenumbers.NumberParseException:
        return False


def ip(text: str) -> bool:
    """An address that is not unspecified, loopback or a documentation default such as 0.0.0.0."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_loopback)


def random_looking(text: str) -> bool:
    """Shannon entropy of the characters, above that of words, with both letters and digits."""
    if len(text) < 8 or not any(map(str.isdigit, text)) or not any(map(str.isalpha, text)):  # noqa: PLR2004  shorter ones are words
        return False
    total = len(text)
    entropy = -sum(count / total * math.log2(count / total) for count in Counter(text).values())
    return entropy >= MIN_ENTROPY


def national(module: object) -> Check:
    """A stdnum module as a check."""

    def valid(text: str) -> bool:
        return bool(module.is_valid(text))  # type: ignore[attr-defined]  # every stdnum module has is_valid

    return valid


SSN: Final = national(ssn)
NHS: Final = national(nhs)
CODICE_FISCALE: Final = national(codicefiscale)
NIR: Final = national(nir)
IDNR: Final = national(idnr)
BSN: Final = national(bsn)
CPF: Final = national(cpf)


def spanish(text: str) -> bool:
    """DNI or NIE."""
    return bool(dni.is_valid(text) or nie.is_valid(text))

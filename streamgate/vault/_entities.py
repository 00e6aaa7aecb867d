"""Entity types as tokens name them, and the equality of their values.

The names are those of ``streamgate.detect.EntityType`` (a test compares them) and ``LITERAL``, which is vault's own: text that only
looks like a token. Their order is part of a persisted format (``_token_map``): append, never reorder.
"""

from __future__ import annotations

import unicodedata
from typing import Final

LITERAL: Final = "LITERAL"
OTHER: Final = "OTHER"

ENTITIES: Final = (
    LITERAL, "PERSON", "EMAIL", "PHONE", "ADDRESS", "LOCATION", "ORGANISATION", "DATE", "CREDIT_CARD", "IBAN", "BANK_ACCOUNT",
    "NATIONAL_ID", "PASSPORT", "DRIVING_LICENCE", "TAX_ID", "HEALTH_ID", "IP_ADDRESS", "MAC_ADDRESS", "URL", "SECRET", "USERNAME",
    "CRYPTO_ADDRESS", "VEHICLE_ID", "ACCOUNT", "NRP", "AGE", OTHER, "COORDINATES",
)  # fmt: skip

EXACT: Final = frozenset({LITERAL, "SECRET", "CRYPTO_ADDRESS", "URL"})
"""Case and every character matter: two forms are two values."""
DIGITS: Final = frozenset({"PHONE", "CREDIT_CARD"})
ALPHANUMERIC: Final = frozenset(
    {"IBAN", "BANK_ACCOUNT", "NATIONAL_ID", "PASSPORT", "DRIVING_LICENCE", "TAX_ID", "HEALTH_ID", "MAC_ADDRESS", "VEHICLE_ID"}
)
NAMES: Final = frozenset({"PERSON", "ADDRESS", "LOCATION", "ORGANISATION", "NRP"})
AFTER_THESE: Final = frozenset(" -'’.")


def entity_name(name: str) -> str:
    """The type a token is given: a type of the closed list as it is, everything else as ``OTHER``."""
    return str(name) if name in ENTITIES else OTHER


def normalise(entity: str, value: str) -> str:
    """What two forms of one value have in common; equal results mean the same token code."""
    if entity in EXACT:
        return value
    plain = " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold()).split())
    if entity in DIGITS:
        digits = _digits(plain)
        return ("+" if plain.startswith("+") else "") + digits if digits else plain
    if entity in ALPHANUMERIC:
        return "".join(character for character in plain if character.isalnum()).upper() or plain
    return plain or value


def canonical(entity: str, normalised: str) -> str:
    """The one form of a normalised value whose token needs no variant part: the form it most often has in text."""
    if entity not in NAMES:
        return normalised
    starts = [True, *(character in AFTER_THESE for character in normalised)]
    return "".join(character.upper() if start else character for character, start in zip(normalised, starts, strict=False))


def _digits(text: str) -> str:
    """Decimal digits of any script, as ASCII."""
    return "".join(str(unicodedata.decimal(character)) for character in text if character.isdecimal())

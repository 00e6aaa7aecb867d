"""What can be found, in one list, and how a finding is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final


@unique
class EntityType(StrEnum):
    """The closed list. The value is what stands in a token."""

    PERSON = "PERSON"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    ADDRESS = "ADDRESS"
    LOCATION = "LOCATION"
    ORGANISATION = "ORGANISATION"
    DATE = "DATE"
    AGE = "AGE"
    CREDIT_CARD = "CREDIT_CARD"
    IBAN = "IBAN"
    BANK_ACCOUNT = "BANK_ACCOUNT"
    NATIONAL_ID = "NATIONAL_ID"
    PASSPORT = "PASSPORT"
    DRIVING_LICENCE = "DRIVING_LICENCE"
    TAX_ID = "TAX_ID"
    HEALTH_ID = "HEALTH_ID"
    IP_ADDRESS = "IP_ADDRESS"
    MAC_ADDRESS = "MAC_ADDRESS"
    COORDINATES = "COORDINATES"
    URL = "URL"
    SECRET = "SECRET"
    USERNAME = "USERNAME"
    CRYPTO_ADDRESS = "CRYPTO_ADDRESS"
    VEHICLE_ID = "VEHICLE_ID"
    ACCOUNT = "ACCOUNT"
    NRP = "NRP"
    OTHER = "OTHER"


MEANING: Final[dict[EntityType, str]] = {
    EntityType.PERSON: "a natural person's name, whole or in part",
    EntityType.EMAIL: "an e-mail address",
    EntityType.PHONE: "a telephone number",
    EntityType.ADDRESS: "a street address, also with postal code and town",
    EntityType.LOCATION: "a place that narrows down where somebody is or lives",
    EntityType.ORGANISATION: "an employer, school, clinic or other organisation",
    EntityType.DATE: "a date, above all of birth",
    EntityType.AGE: "an age in years",
    EntityType.CREDIT_CARD: "a payment card number (Luhn)",
    EntityType.IBAN: "an international bank account number (ISO 13616)",
    EntityType.BANK_ACCOUNT: "another account number of a bank",
    EntityType.NATIONAL_ID: "a number that a state gives a person",
    EntityType.PASSPORT: "a passport number",
    EntityType.DRIVING_LICENCE: "a driving licence number",
    EntityType.TAX_ID: "a tax number of a person",
    EntityType.HEALTH_ID: "a number of a patient or an insured person",
    EntityType.IP_ADDRESS: "an IP address (v4 or v6)",
    EntityType.MAC_ADDRESS: "a hardware address",
    EntityType.COORDINATES: "a latitude and longitude",
    EntityType.URL: "a URL",
    EntityType.SECRET: "a key, password, token or private key",
    EntityType.USERNAME: "a user name or social handle",
    EntityType.CRYPTO_ADDRESS: "a wallet address",
    EntityType.VEHICLE_ID: "a licence plate or chassis number",
    EntityType.ACCOUNT: "an account, customer, order, case or contract number named as such",
    EntityType.NRP: "nationality, religion or political group",
    EntityType.OTHER: "anything else that a schema says is personal",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A finding: code-point offsets on the original text, ``end`` exclusive."""

    start: int
    end: int
    type: EntityType
    score: float
    """0 to 1; 1 only where a checksum or a fixed form leaves no doubt."""
    by: str
    """Which pattern or model."""

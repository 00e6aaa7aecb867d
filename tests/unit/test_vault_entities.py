"""The closed list of entity types."""

from __future__ import annotations

from streamgate.detect import EntityType
from streamgate.vault import ENTITIES, LITERAL


def test_vault_knows_every_type_that_detection_finds_and_literal() -> None:
    """The packages are siblings and do not import each other, so this is where they are compared."""
    assert set(ENTITIES) == {*(entity.value for entity in EntityType), LITERAL}


def test_the_order_is_a_persisted_format() -> None:
    """Token maps name a type by its place. A new type goes to the end of this list and of that one."""
    assert ENTITIES == (
        "LITERAL", "PERSON", "EMAIL", "PHONE", "ADDRESS", "LOCATION", "ORGANISATION", "DATE", "CREDIT_CARD", "IBAN", "BANK_ACCOUNT",
        "NATIONAL_ID", "PASSPORT", "DRIVING_LICENCE", "TAX_ID", "HEALTH_ID", "IP_ADDRESS", "MAC_ADDRESS", "URL", "SECRET", "USERNAME",
        "CRYPTO_ADDRESS", "VEHICLE_ID", "ACCOUNT", "NRP", "AGE", "OTHER", "COORDINATES",
    )  # fmt: skip

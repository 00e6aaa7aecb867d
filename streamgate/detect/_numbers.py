"""Patterns of numbers and identifiers."""

from __future__ import annotations

from typing import Final

from streamgate.detect import _checks as check
from streamgate.detect._pattern import Pattern
from streamgate.detect._types import EntityType as E

_ID_WORD: Final = (
    r"(?:order|account|acct|customer|client|member(?:ship)?|policy|contract|invoice|case|ticket|booking|reservation|claim|employee|staff|student"
    r"|reference|ref|confirmation|tracking|loyalty|bestell(?:ung|nummer)?|kunden(?:nummer)?|konto(?:nummer)?|vertrags?(?:nummer)?|rechnungs?(?:nummer)?"
    r"|commande|compte|contrat|facture|dossier|pedido|cuenta|cliente|contrato|factura|expediente|ordine|conto|contratto|fattura|pratica"
    r"|klantnummer|bestelnummer|rekening|zaak|dossiernummer)"
)
_NUMBER_WORD: Final = r"(?:\s*(?:no|nr|num|number|nummer|numéro|número|numero|id|code|n°|nº)\.?)?"

PATTERNS: Final = (
    Pattern("card", E.CREDIT_CARD, r"\b(?P<v>\d(?:[ .\-]?\d){12,18})\b", 1.0, check.card, final=True),
    Pattern(
        "iban",
        E.IBAN,
        r"\b(?P<v>[A-Z]{2}\d{2}(?:[ \-]?[A-Z0-9]{2,4}){3,8}(?:[ \-]?[A-Z0-9]{1,3})?)\b",
        1.0,
        check.iban,
        final=True,
        loose=True,
    ),
    Pattern("us-ssn", E.NATIONAL_ID, r"\b(?P<v>\d{3}-\d{2}-\d{4})\b", 0.95, check.SSN, final=True),
    Pattern(
        "ssn-said",
        E.NATIONAL_ID,
        r"\b(?:ssn|social security)(?:\s+(?:number|no|is|nr))*[\s:#.]*(?P<v>\d{3}[ -]?\d{2}[ -]?\d{4})\b",
        0.9,
        loose=True,
    ),
    Pattern("uk-nhs", E.HEALTH_ID, r"\b(?P<v>\d{3}[ -]\d{3}[ -]\d{4})\b", 0.9, check.NHS),
    Pattern("nhs-said", E.HEALTH_ID, r"\bnhs(?:\s+(?:number|no))?[\s:#.]*(?P<v>\d{3}[ -]?\d{3}[ -]?\d{4})\b", 0.9, loose=True),
    Pattern("uk-nino", E.NATIONAL_ID, r"\b(?P<v>[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D])\b", 0.9, final=True),
    Pattern("es-dni", E.NATIONAL_ID, r"\b(?P<v>[XYZ]?-?\d{7,8}-?[A-Z])\b", 1.0, check.spanish, final=True, loose=True),
    Pattern("it-cf", E.TAX_ID, r"\b(?P<v>[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z])\b", 1.0, check.CODICE_FISCALE, final=True, loose=True),
    Pattern(
        "fr-nir",
        E.NATIONAL_ID,
        r"\b(?P<v>[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3}(?: ?\d{2})?)\b",
        1.0,
        check.NIR,
        final=True,
    ),
    Pattern("de-idnr", E.TAX_ID, r"\b(?P<v>\d{2} ?\d{3} ?\d{3} ?\d{3})\b", 0.85, check.IDNR),
    Pattern("nl-bsn", E.NATIONAL_ID, r"\b(?:bsn|burgerservicenummer)[\s:#.]*(?P<v>\d{9})\b", 0.95, check.BSN, loose=True),
    Pattern("br-cpf", E.NATIONAL_ID, r"\b(?P<v>\d{3}\.\d{3}\.\d{3}-\d{2})\b", 1.0, check.CPF, final=True),
    Pattern("in-pan", E.TAX_ID, r"\b(?P<v>[A-Z]{3}[PCHABGJLFT][A-Z]\d{4}[A-Z])\b", 0.9),
    Pattern(
        "passport",
        E.PASSPORT,
        r"\b(?:passport|reisepass|pass(?:port)?-?nr|passeport|pasaporte|passaporto|paspoort)(?:\s*(?:no|nr|number|nummer|numéro|número|is|:|#|\.))*\s*(?P<v>[A-Z0-9]{6,9})\b",
        0.85,
        check=lambda text: any(map(str.isdigit, text)),
        loose=True,
    ),
    Pattern(
        "licence",
        E.DRIVING_LICENCE,
        r"\b(?:driv(?:er'?s?|ing) licen[cs]e|führerschein|permis de conduire|permiso de conducir|patente|rijbewijs)(?:\s*(?:no|nr|number|nummer|is|:|#|\.))*\s*(?P<v>[A-Z0-9][A-Z0-9\-]{5,17})\b",
        0.85,
        check=lambda text: any(map(str.isdigit, text)),
        loose=True,
    ),
    Pattern(
        "patient",
        E.HEALTH_ID,
        r"\b(?:mrn|patient(?:en)?(?:\s*(?:id|no|nr|number|nummer))|medical record(?:\s*(?:no|number))?|versicherten(?:nummer|nr)|historia clínica|nhc)[\s:#.nº°]*(?P<v>[A-Z]{0,3}-?\d[\dA-Z\-]{3,14})\b",
        0.9,
        loose=True,
    ),
    Pattern(
        "bank-account",
        E.BANK_ACCOUNT,
        r"\b(?:account|konto|compte|cuenta|conto|rekening|sort code|routing|aba|bic|swift|clabe)(?:\s*(?:no|nr|number|nummer|#|:|\.|is))*\s*(?P<v>\d[\d \-]{5,20}\d)\b",
        0.8,
        loose=True,
    ),
    Pattern(
        "named-number",
        E.ACCOUNT,
        r"\b" + _ID_WORD + _NUMBER_WORD + r"\s*(?:is|ist|es|est|:|#|=|-)?\s*#?(?P<v>[A-Z]{0,5}[-/]?\d[\dA-Z]*(?:[-/][\dA-Z]+)*)\b",
        0.75,
        check=lambda text: len(check.digits(text)) >= 4,  # noqa: PLR2004  fewer identify nobody
        loose=True,
    ),
    Pattern(
        "plate-said",
        E.VEHICLE_ID,
        r"\b(?:licen[cs]e plate|number plate|reg(?:istration)?(?: (?:no|number))?|kennzeichen|plaque|matrícula|targa|kenteken|plate)(?:\s*(?:is|no|:|#))*\s*(?P<v>[A-ZÄÖÜ]{1,3}[ -]?[A-Z0-9]{1,4}[ -]?[A-Z0-9]{1,4})\b",
        0.8,
        check=lambda text: any(map(str.isdigit, text)),
        loose=True,
    ),
    Pattern("vin", E.VEHICLE_ID, r"\b(?:vin|chassis|fin)(?:\s*(?:no|number|nr|:|#))*\s*(?P<v>[A-HJ-NPR-Z0-9]{17})\b", 0.95, loose=True),
    Pattern("phone-international", E.PHONE, r"(?P<v>(?:\+|\b00)[1-9]\d{0,2}(?:[ .\-/()]{0,3}\d){6,13})\b", 0.95, check.phone, final=True),
    Pattern("phone-possible", E.PHONE, r"(?P<v>\+[1-9]\d{0,2}(?:[ .\-/()]{1,3}\d{1,5}){2,6})\b", 0.8, check.international, final=True),
    Pattern("phone-national", E.PHONE, r"(?:^|[^\w.\-/])(?P<v>\(?0\d{1,4}\)?(?:[ .\-/]{0,2}\d){5,10})\b", 0.75, check.phone),
    Pattern(
        "phone-us",
        E.PHONE,
        r"(?:^|[^\w.\-/])(?P<v>(?:1[ .\-])?\(?[2-9]\d{2}\)?[ .\-]{1,2}\d{3}[ .\-]\d{4}(?:\s*(?:x|ext\.?)\s*\d{1,5})?)\b",
        0.8,
    ),
    Pattern(
        "phone-said",
        E.PHONE,
        r"\b(?:tel|phone|mobile|cell|call me (?:at|on)|telefon|telefonnummer|handy|mobil|rufnummer|téléphone|portable|teléfono|móvil|telefono|cellulare|telefoon|mobiel|whatsapp|fax)[a-z]*(?:\s*(?:no|nr|number|is|ist|est|es|:|#|\.))*\s*(?P<v>\+?\(?\d(?:[ .\-/()]{0,2}\d){5,14})\b",
        0.9,
        loose=True,
    ),
)

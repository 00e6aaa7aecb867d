"""Patterns of what people write in sentences: names after an introduction, addresses, dates, ages."""

from __future__ import annotations

from typing import Final

from streamgate.detect._pattern import Pattern
from streamgate.detect._types import EntityType as E

_CAPITAL: Final = r"\p{Lu}[\p{L}'’\-]+"
_PARTICLE: Final = r"(?:de|del|della|di|da|do|dos|van|von|der|den|ten|ter|la|le|el|al|bin|ibn|zu|y|e)"
_NAME: Final = rf"{_CAPITAL}(?:[ \t]+(?:{_PARTICLE}[ \t]+){{0,2}}(?:{_CAPITAL}|\p{{Lu}}\.)){{0,3}}"
_LOWER_NAME: Final = r"[\p{L}][\p{L}'’\-]+(?:[ \t]+[\p{L}][\p{L}'’\-]+){0,2}"
_MONTH: Final = (
    r"(?:jan(?:uary|uar|vier|eiro)?|feb(?:ruary|ruar)?|fév(?:rier)?|fev(?:ereiro)?|mar(?:ch|s|zo|ço)?|märz|apr(?:il|ile)?|avril|abr(?:il)?|may|mai|mayo|maggio|mei"
    r"|june?|juin|juni|junio|giugno|jul(?:y|i|io)?|juillet|luglio|aug(?:ust|ustus)?|août|agosto|sep(?:t(?:ember|iembre|embre)?)?|settembre|setembro"
    r"|oct(?:ober|obre|ubre)?|okt(?:ober)?|ottobre|outubro|nov(?:ember|embre|iembre|embro)?|de[cz](?:ember|embre|iembre|embro)?|ene(?:ro)?|febrero|gen(?:naio)?|dic(?:iembre|embre)?|maart|février|dezember|décembre)"
)
_STREET: Final = r"(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|close|crescent|terrace|way|place|pl|square|sq|gardens|grove|mews|parkway|pkwy|highway|hwy)"

PATTERNS: Final = (
    Pattern(
        "introduced",
        E.PERSON,
        r"(?:\b[Mm]y name is|\b[Mm]y name['’]s|\bI am called|\b[Tt]his is|\b[Ii] am|\bI['’]m|\b[Mm]ein Name ist|\b[Ii]ch hei(?:ß|ss)e|\b[Ii]ch bin|\b[Mm]e llamo|\b[Mm]i nombre es|\b[Ss]oy"
        r"|\b[Jj]e m['’]appelle|\b[Jj]e suis|\b[Mm]on nom est|\b[Mm]i chiamo|\b[Ss]ono|\b[Ii]k ben|\b[Mm]ijn naam is|\b[Ii]k heet|\b[Mm]eu nome é|\b[Cc]hamo-me|\b[Ss]ou)\s+(?P<v>"
        + _NAME
        + r")",
        0.8,
    ),
    Pattern(
        "introduced-lower",
        E.PERSON,
        r"\b(?:my name is|my names|name['’]s|mein name ist|ich heiße|ich heisse|me llamo|mi nombre es|je m['’]appelle|mi chiamo|ik heet|mijn naam is|meu nome é)\s+(?P<v>[\p{L}'’\-]+(?:[ \t]+[\p{L}'’\-]+){0,1})",
        0.7,
        loose=True,
    ),
    Pattern(
        "labelled",
        E.PERSON,
        r"(?m)(?:^|[\n{,;|\"'\t ])[\"']?(?:full ?name|name|first ?name|last ?name|surname|customer|client|patient|passenger|tenant|employee|candidate|contact|vorname|nachname|kunde|kundin|patientin|nombre|apellidos?|cliente|paciente|nom|prénom|nome|cognome|paziente|naam|voornaam|achternaam|klant)[\"']?[ \t]*[:=][ \t]*[\"']?(?P<v>"
        + _LOWER_NAME
        + r")",
        0.75,
        loose=True,
    ),
    Pattern(
        "titled",
        E.PERSON,
        r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Dame|Herrn?|Frau|Hr|Fr|Señora?|Sra?|Don|Doña|Monsieur|Madame|Mme|Mlle|Signora?|Sig|Sig\.ra|Dott|Dott\.ssa|Dottor|Meneer|Mevrouw|Mevr|Dhr|Senhora?)\.?[ \t]+(?:(?:Dr|Prof|med)\.?[ \t]+){0,2}(?P<v>"
        + _NAME
        + r")",
        0.9,
    ),
    Pattern(
        "greeted",
        E.PERSON,
        r"(?m)^[ \t>]*(?:Dear|Hi|Hello|Hey|Hallo|Liebe[rs]?|Sehr geehrte[rs]?|Guten Tag|Hola|Estimad[oa]|Querid[oa]|Bonjour|Cher|Chère|Salut|Ciao|Gentile|Car[oa]|Buongiorno|Beste|Geachte|Olá|Prezad[oa])[ \t]+(?P<v>"
        + _NAME
        + r")[ \t]*[,!.:\n]",
        0.8,
        check=lambda text: text.split()[0] not in {"Team", "All", "There", "Sir", "Madam", "Herr", "Frau", "Support", "Everyone"},
    ),
    Pattern(
        "signed",
        E.PERSON,
        r"(?:[Rr]egards|[Bb]est wishes|[Ss]incerely|[Cc]heers|[Tt]hanks|[Tt]hank you|[Gg]rü(?:ß|ss)e|[Gg]rü(?:ß|ss)en|[Ss]aludos|[Cc]ordialement|[Cc]ordiali saluti|[Ss]aluti|[Gg]roet(?:en|jes)?|[Aa]tentamente|[Bb]ien à vous|[Mm]erci|[Gg]razie|[Gg]racias)[ \t]*[,.!]?[ \t]*\n+[ \t]*(?P<v>"
        + _NAME
        + r")[ \t]*(?:\n|$)",
        0.85,
    ),
    Pattern(
        "relation",
        E.PERSON,
        r"\b(?:wife|husband|son|daughter|mother|father|brother|sister|partner|girlfriend|boyfriend|neighbou?r|colleague|manager|boss|doctor|nurse|teacher|lawyer)[ ,]+(?P<v>"
        + _NAME
        + r")",
        0.7,
    ),
    Pattern(
        "street-en",
        E.ADDRESS,
        r"\b(?P<v>\d{1,5}[A-Za-z]?(?:[-/]\d{1,4})?,?[ \t]+(?:(?:N|S|E|W|North|South|East|West)\.?[ \t]+)?(?:[\p{L}'’\d.\-]+[ \t]+){1,4}?"
        + _STREET
        + r"\b\.?(?:,?[ \t]*(?:apt|apartment|flat|unit|suite|ste|#)\.?[ \t]*[\w\-]{1,6})?(?:,[ \t]*[\p{L}'’ .\-]+){0,2}(?:,?[ \t]*[A-Z]{2}[ \t]+\d{5}(?:-\d{4})?|,?[ \t]*[A-Z]{1,2}\d[A-Z\d]?[ \t]*\d[A-Z]{2})?)",
        0.85,
        loose=True,
    ),
    Pattern(
        "street-de-nl",
        E.ADDRESS,
        r"\b(?P<v>[\p{Lu}][\p{L}\-]+(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|ufer|damm|straat|laan|plein|gracht|kade|dijk)[ \t]+\d{1,4}[ \t]?[a-zA-Z]?(?:,?[ \t]+\d{4,5}(?:[ \t]?[A-Z]{2})?[ \t]+\p{Lu}[\p{L}\-]+(?:[ \t](?:am|an der|im)[ \t]\p{Lu}\p{L}+)?)?)",
        0.9,
    ),
    Pattern(
        "street-es-it-pt",
        E.ADDRESS,
        r"\b(?P<v>(?:Calle|C/|Avenida|Avda?\.?|Paseo|Plaza|Carrer|Ronda|Camino|Via|Viale|Corso|Piazza|Largo|Vicolo|Rua|Travessa|Praça)[ \t]+(?:[\p{L}'’.\-]+[ \t,]+){1,6}?(?:n[º°.]?[ \t]*)?\d{1,4}[ \t]?[a-zA-Zºª°]?(?:,?[ \t]*\d{1,2}[ºª°]?[ \t]?[A-Za-z]?)?(?:,?[ \t]+\d{4,5}(?:-\d{3})?[ \t]+\p{Lu}[\p{L}'’\-]+)?)\b",
        0.85,
    ),
    Pattern(
        "street-fr",
        E.ADDRESS,
        r"\b(?P<v>\d{1,4}[ \t]?(?:bis|ter)?,?[ \t]+(?:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|quai|route|cours)[ \t]+(?:[\p{L}'’.\-]+[ \t]*){1,6}?(?:,?[ \t]*\d{5}[ \t]+\p{Lu}[\p{L}'’\-]+|\b))",
        0.85,
        loose=True,
    ),
    Pattern("postcode-uk", E.ADDRESS, r"\b(?P<v>[A-Z]{1,2}\d[A-Z\d]?[ \t]\d[A-Z]{2})\b", 0.75),
    Pattern("postcode-town", E.ADDRESS, r"(?:^|[\s,])(?P<v>(?:[DFEI]-)?\d{5}[ \t]+\p{Lu}[\p{Ll}]+(?:[ \t-]\p{Lu}?[\p{Ll}]+)?)\b", 0.6),
    Pattern("zip-us", E.ADDRESS, r"\b(?P<v>\p{Lu}[\p{L}.]+(?:[ \t]\p{Lu}[\p{L}]+)?,[ \t]+[A-Z]{2}[ \t]+\d{5}(?:-\d{4})?)\b", 0.85),
    Pattern("date-iso", E.DATE, r"\b(?P<v>(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))\b", 0.75),
    Pattern(
        "date-numeric",
        E.DATE,
        r"(?:^|[^\w./\-])(?P<v>(?:0?[1-9]|[12]\d|3[01])[./\-](?:0?[1-9]|[12]\d|3[01])[./\-](?:(?:19|20)\d{2}|\d{2}))\b",
        0.75,
    ),
    Pattern(
        "date-words",
        E.DATE,
        r"\b(?P<v>(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th|\.|º)?[ \t]+(?:de[ \t]+|of[ \t]+)?"
        + _MONTH
        + r"\.?,?(?:[ \t]+(?:de[ \t]+|of[ \t]+|del[ \t]+)?(?:19|20)\d{2})?)\b",
        0.75,
        loose=True,
    ),
    Pattern(
        "date-words-us",
        E.DATE,
        r"\b(?P<v>" + _MONTH + r"\.?[ \t]+(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?(?:,?[ \t]+(?:19|20)\d{2})?)\b",
        0.75,
        loose=True,
    ),
    Pattern(
        "age",
        E.AGE,
        r"\b(?P<v>\d{1,3}[ -]?(?:years?|yrs?|yo|y/o|jahre?|ans|años|anni|jaar|anos)(?:[ -](?:old|alt|oud))?)\b",
        0.6,
        loose=True,
    ),
    Pattern("age-said", E.AGE, r"\b(?:aged?|age is|i am|i'm|edad|alter|âge|età|leeftijd)[\s:]+(?P<v>\d{2})\b", 0.6, loose=True),
)

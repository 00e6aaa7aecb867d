"""Templates for the answers of the simulated provider: a sentence per language around the tokens of the prompt. Not a model."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

_TOKEN: Final = re.compile(r"\[[A-Z][A-Z_]{1,30}_[a-z2-7]{8}(?:_[a-z2-7]{4})?\]")
_MOST_TOKENS: Final = 8
_WORD: Final = re.compile(r"[^\W\d_]+")

_COMMON_WORDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "en": frozenset(["the", "and", "is", "my", "you", "i", "please", "not", "for", "with", "was", "have", "this", "of", "to"]),
        "de": frozenset(["der", "die", "das", "und", "ist", "ich", "nicht", "bitte", "mit", "ein", "eine", "für", "auf", "von", "zu"]),
        "es": frozenset(["el", "la", "los", "y", "es", "mi", "por", "favor", "con", "una", "para", "que", "no", "del", "en"]),
        "fr": frozenset(["le", "les", "et", "est", "je", "mon", "ma", "pas", "pour", "avec", "une", "vous", "que", "des", "du"]),
    }
)

_SENTENCES: Final[Mapping[str, tuple[str, str, str, str]]] = MappingProxyType(
    {
        "en": (
            "This is a simulated reply; no model was called.",
            "I have read what you wrote about {}.",
            "Thank you, {}: I have made a note of it.",
            "Nothing in your message needed to be repeated.",
        ),
        "de": (
            "Dies ist eine simulierte Antwort; es wurde kein Modell aufgerufen.",
            "Ich habe gelesen, was Sie zu {} schreiben.",
            "Danke, {}: Ich habe es vermerkt.",
            "Aus Ihrer Nachricht war nichts zu wiederholen.",
        ),
        "es": (
            "Esta es una respuesta simulada; no se ha llamado a ningún modelo.",
            "He leído lo que escribe sobre {}.",
            "Gracias, {}: he tomado nota.",
            "No hacía falta repetir nada de su mensaje.",
        ),
        "fr": (
            "Ceci est une réponse simulée ; aucun modèle n'a été appelé.",
            "J'ai lu ce que vous écrivez au sujet de {}.",
            "Merci, {} : c'est noté.",
            "Rien dans votre message n'était à répéter.",
        ),
    }
)

_BENT: Final[tuple[Callable[[str], str], ...]] = (
    lambda token: token.lower(),
    lambda token: token.strip("[]"),
    lambda token: f"**{token}**",
    lambda token: token.replace("_", " ", 1),
    lambda token: f"({token[1:-1]})",
)
_BENT_SHARE: Final = 0.2


def language(text: str) -> str:
    """The language whose common words occur most often; English when none does."""
    words = [word.lower() for word in _WORD.findall(text)]
    counts = {name: sum(word in common for word in words) for name, common in _COMMON_WORDS.items()}
    return max(counts, key=lambda name: counts[name])


def answer(messages: Sequence[tuple[str, str]], chance: random.Random) -> str:
    """An answer in the language of the last user message, with every token of the prompt in it (the first eight)."""
    asked = next((content for role, content in reversed(messages) if role == "user"), "")
    simulated, about, thanks, nothing = _SENTENCES[language(asked)]
    tokens = list(dict.fromkeys(token for _, content in messages for token in _TOKEN.findall(content)))[:_MOST_TOKENS]
    if not tokens:
        return f"{simulated} {nothing}"
    shown = [_bend(token, chance) for token in tokens]
    person = next((token for token in tokens if token.startswith("[PERSON_")), tokens[0])
    return f"{simulated} {about.format(', '.join(shown))} {thanks.format(person)}"


def _bend(token: str, chance: random.Random) -> str:
    return chance.choice(_BENT)(token) if chance.random() < _BENT_SHARE else token

"""Words that are never a name, though models and patterns take them for one."""

from __future__ import annotations

from typing import Final

_WORDS: Final = (
    "sie ich wir ihr du er es und der die das den dem ein eine ist nicht bitte danke herr frau guten tag hallo liebe yo tu tú él ella usted nos los las el la "
    "un una hola gracias buenas señor señora je il elle vous nous on le les des et merci bonjour lui lei noi voi grazie ciao buongiorno ik jij hij zij wij u "
    "hoi bedankt de het een the you your please thanks hello hi dear"
)
NOT_NAMES: Final = frozenset(_WORDS.split())
"""Pronouns, articles and greetings of seven languages, case folded."""


def nameless(text: str) -> bool:
    """Whether a text consists of such words alone."""
    return all(word.casefold().strip(".,:;!?") in NOT_NAMES for word in text.split())

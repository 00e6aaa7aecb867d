"""Guesses how many tokens a call will use, and learns from what the provider counted. Pure.

Not a tokeniser: tables would have to be fetched. Only the ratio of tokens to characters is learned, per model; the guess is settled
after each reply, so it need not be exact, only seldom too low.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from streamgate.provider._call import ChatCall
from streamgate.types import MaskedMessage, Usage

_FIRST_TOKENS_PER_CHARACTER: Final = 0.4
"""English is near 0.25; tokens of ours such as ``[PERSON_k7q2fa3c]`` are near 0.5, other scripts near 1."""
_FIRST_ANSWER_TOKENS: Final = 500.0
_FIRST_DEVIATION: Final = 0.125
"""Of the first guesses, as a share of them."""
_DEVIATIONS: Final = 2.0
"""So many are added to what is usual, as a retransmission timer does (RFC 6298)."""
_TOKENS_PER_MESSAGE: Final = 4
"""Role and separators, as OpenAI counts them."""
_WEIGHT: Final = 0.1
"""Of one reply in what is learned."""
_LOWEST: Final = 0.05
_HIGHEST: Final = 4.0
_LONGEST_ANSWER: Final = 200_000


@dataclass(slots=True)
class _Learned:
    """A figure, and by how much it usually differs."""

    usual: float
    deviation: float

    def cautious(self) -> float:
        return self.usual + _DEVIATIONS * self.deviation

    def learn(self, seen: float) -> None:
        """Move a tenth of the way."""
        difference = seen - self.usual
        self.usual += _WEIGHT * difference
        self.deviation += _WEIGHT * (abs(difference) - self.deviation)


def estimate_tokens(messages: tuple[MaskedMessage, ...], tokens_per_character: float = _FIRST_TOKENS_PER_CHARACTER) -> int:
    """Tokens of a prompt at a ratio of tokens to characters."""
    characters = sum(len(message.content.text) for message in messages)
    return _TOKENS_PER_MESSAGE * len(messages) + 3 + int(characters * tokens_per_character + 0.999)


@dataclass(slots=True)
class TokenEstimate:
    """What was learned of one model."""

    _ratio: _Learned = field(default_factory=lambda: _Learned(_FIRST_TOKENS_PER_CHARACTER, _FIRST_TOKENS_PER_CHARACTER * _FIRST_DEVIATION))
    _answer: _Learned = field(default_factory=lambda: _Learned(_FIRST_ANSWER_TOKENS, _FIRST_ANSWER_TOKENS * _FIRST_DEVIATION))

    def of(self, call: ChatCall) -> int:
        """Tokens of prompt and answer together."""
        usage = self.usage(call)
        return usage.prompt_tokens + usage.completion_tokens

    def usage(self, call: ChatCall) -> Usage:
        """Tokens of prompt and answer, seldom too few; the answer is never guessed above its limit."""
        answer, limit = int(self._answer.cautious() + 0.999), call.parameters.max_output_tokens
        return Usage(estimate_tokens(call.messages, self._ratio.cautious()), answer if limit is None else min(answer, limit))

    def learn(self, call: ChatCall, usage: Usage) -> None:
        """Learn from what the provider counted, within sane bounds: the counts are its word only."""
        characters = call.characters()
        if characters > 0 and usage.prompt_tokens > 0:
            overhead = _TOKENS_PER_MESSAGE * len(call.messages) + 3
            self._ratio.learn(min(max((usage.prompt_tokens - overhead) / characters, _LOWEST), _HIGHEST))
        if usage.completion_tokens > 0:
            self._answer.learn(min(usage.completion_tokens, _LONGEST_ANSWER))

"""Guesses how many tokens a call will use, and learns from what the provider counted. Pure.

Not a tokeniser: tables would have to be fetched. Only the ratio of tokens to characters is learned, per model; the guess is settled
after each reply, so it need not be exact, only seldom too low.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streamgate.provider._call import ChatCall
from streamgate.types import MaskedMessage, Usage

_FIRST_TOKENS_PER_CHARACTER: Final = 0.4
"""English is near 0.25; tokens of ours such as ``[PERSON_k7q2fa3c]`` are near 0.5, other scripts near 1."""
_FIRST_ANSWER_TOKENS: Final = 500.0
_TOKENS_PER_MESSAGE: Final = 4
"""Role and separators, as OpenAI counts them."""
_WEIGHT: Final = 0.1
"""Of one reply in what is learned."""
_MARGIN: Final = 1.25
_LOWEST: Final = 0.05
_HIGHEST: Final = 4.0


def estimate_tokens(messages: tuple[MaskedMessage, ...], tokens_per_character: float = _FIRST_TOKENS_PER_CHARACTER) -> int:
    """Tokens of a prompt at a ratio of tokens to characters."""
    characters = sum(len(message.content.text) for message in messages)
    return _TOKENS_PER_MESSAGE * len(messages) + 3 + int(characters * tokens_per_character + 0.999)


@dataclass(slots=True)
class TokenEstimate:
    """What was learned of one model."""

    tokens_per_character: float = _FIRST_TOKENS_PER_CHARACTER
    answer_tokens: float = _FIRST_ANSWER_TOKENS

    def of(self, call: ChatCall) -> int:
        """Tokens of prompt and answer, a quarter more than is usual; the answer is never guessed above its limit."""
        answer = int(self.answer_tokens * _MARGIN)
        limit = call.parameters.max_output_tokens
        return estimate_tokens(call.messages, self.tokens_per_character * _MARGIN) + (answer if limit is None else min(answer, limit))

    def learn(self, call: ChatCall, usage: Usage) -> None:
        """Move a tenth of the way to what the provider counted, within sane bounds: the counts are its word only."""
        characters = call.characters()
        if characters > 0 and usage.prompt_tokens > 0:
            overhead = _TOKENS_PER_MESSAGE * len(call.messages) + 3
            seen = min(max((usage.prompt_tokens - overhead) / characters, _LOWEST), _HIGHEST)
            self.tokens_per_character += _WEIGHT * (seen - self.tokens_per_character)
        if usage.completion_tokens > 0:
            self.answer_tokens += _WEIGHT * (min(usage.completion_tokens, 200_000) - self.answer_tokens)

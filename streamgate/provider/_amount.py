"""What limits are made of: requests and tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streamgate.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Amount:
    """Requests and tokens, of a minute where it is a limit."""

    requests: int = 0
    tokens: int = 0

    def __add__(self, other: Amount) -> Amount:
        """Both of each."""
        return Amount(self.requests + other.requests, self.tokens + other.tokens)

    def __sub__(self, other: Amount) -> Amount:
        """What is left, possibly negative."""
        return Amount(self.requests - other.requests, self.tokens - other.tokens)

    def at_most(self, other: Amount) -> Amount:
        """The smaller of each."""
        return Amount(min(self.requests, other.requests), min(self.tokens, other.tokens))

    def at_least(self, other: Amount) -> Amount:
        """The larger of each."""
        return Amount(max(self.requests, other.requests), max(self.tokens, other.tokens))

    def covers(self, other: Amount) -> bool:
        """Whether there is as much of both."""
        return self.requests >= other.requests and self.tokens >= other.tokens

    def part(self, share: float) -> Amount:
        """So much of both, rounded down."""
        return Amount(int(self.requests * share), int(self.tokens * share))


NOTHING: Final = Amount()


def limit(requests_per_minute: int, tokens_per_minute: int) -> Amount:
    """A limit that somebody set; raise ``ConfigError`` where nothing would ever pass."""
    if requests_per_minute < 1 or tokens_per_minute < 1:
        raise ConfigError(("budget: requests and tokens per minute must be at least 1",))
    return Amount(requests_per_minute, tokens_per_minute)

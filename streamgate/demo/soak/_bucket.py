"""Limits as OpenAI enforces them: requests and tokens refill all the time; a full bucket is one minute's worth. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from streamgate.demo.soak._evidence import Limit

MINUTE_SECONDS = 60.0


@dataclass(slots=True)
class Bucket:
    """One quantity of one account."""

    per_minute: int
    level: float
    at: float

    def advance(self, now: float) -> None:
        """Refill for the time that passed."""
        self.level = min(self.per_minute, self.level + max(0.0, now - self.at) * self.per_minute / MINUTE_SECONDS)
        self.at = max(self.at, now)

    def lacks_seconds(self, amount: float) -> float:
        """How long until so much is there; 0 when it is."""
        return max(0.0, amount - self.level) * MINUTE_SECONDS / self.per_minute

    def full_seconds(self) -> float:
        """How long until the bucket is full."""
        return (self.per_minute - self.level) * MINUTE_SECONDS / self.per_minute


class Account:
    """What one account may still ask for."""

    def __init__(self, limit: Limit, now: float) -> None:
        """Full at the beginning."""
        self._requests = Bucket(limit.requests, limit.requests, now)
        self._tokens = Bucket(limit.tokens, limit.tokens, now)

    def take(self, tokens: int, now: float) -> float:
        """Take one request of so many tokens and return 0, or take nothing and return after how many seconds there would be room."""
        self._requests.advance(now)
        self._tokens.advance(now)
        wait = max(self._requests.lacks_seconds(1), self._tokens.lacks_seconds(min(tokens, self._tokens.per_minute)))
        if not wait:
            self._requests.level -= 1
            self._tokens.level -= tokens
        return wait

    def headers(self) -> dict[str, str]:
        """The ``x-ratelimit-*`` headers as OpenAI sends them."""
        found: dict[str, str] = {}
        for name, bucket in (("requests", self._requests), ("tokens", self._tokens)):
            found |= {
                f"x-ratelimit-limit-{name}": str(bucket.per_minute),
                f"x-ratelimit-remaining-{name}": str(max(0, int(bucket.level))),
                f"x-ratelimit-reset-{name}": f"{max(1, round(bucket.full_seconds() * 1000))}ms",
            }
        return found

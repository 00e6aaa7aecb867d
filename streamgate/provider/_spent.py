"""What was spent: one call's bill, and the sum of a day. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Self

from streamgate.types import KEY_SEPARATOR, Usage

DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Bill:
    """What one call cost, as far as the provider said."""

    model: str
    usage: Usage | None
    """``None`` where it said nothing."""
    amount: int | None
    """In parts of 10⁻¹² of the currency; ``None`` where the use is not known, or the model has no price."""
    unknown: bool = False
    """Whether it may have been billed without our knowing how much."""


@dataclass(frozen=True, slots=True)
class Spent:
    """A sum of bills."""

    requests: int = 0
    """Requests that were counted: grows with each, so that two sums of one place can be told apart."""
    calls: int = 0
    """Calls made for them."""
    unknown_calls: int = 0
    """Calls that may have been billed, at a cost that nobody told."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    amount: int = 0
    """In parts of 10⁻¹² of the currency."""

    @classmethod
    def of(cls, bills: tuple[Bill, ...], earlier_calls: int) -> Self:
        """One request. ``earlier_calls`` were begun by somebody who could not say how they ended."""
        used = [bill.usage for bill in bills if bill.usage is not None]
        return cls(
            requests=1,
            calls=len(bills) + earlier_calls,
            unknown_calls=sum(bill.unknown for bill in bills) + earlier_calls,
            prompt_tokens=sum(usage.prompt_tokens for usage in used),
            completion_tokens=sum(usage.completion_tokens for usage in used),
            amount=sum(bill.amount or 0 for bill in bills),
        )

    def __add__(self, other: Spent) -> Spent:
        """Both."""
        return Spent(
            self.requests + other.requests,
            self.calls + other.calls,
            self.unknown_calls + other.unknown_calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.amount + other.amount,
        )


@dataclass(frozen=True, slots=True)
class SpendAccount:
    """Who spent, for what, when, and in which money: what sums are kept by."""

    tenant: str
    purpose: str
    currency: str
    day: int
    """Since 1970-01-01, UTC."""

    def key(self) -> bytes:
        """Tenant, purpose, currency and day (``YYYY-MM-DD``), in UTF-8, with 0x1F between them."""
        return KEY_SEPARATOR.join(part.encode() for part in (self.tenant, self.purpose, self.currency, day_text(self.day)))


def day_of(now_ms: int) -> int:
    """The day of a time, UTC."""
    return now_ms // DAY_MS


def month_of(day: int) -> int:
    """The month of a day, counted from year 0."""
    found = date.fromordinal(_EPOCH + day)
    return found.year * _MONTHS + found.month - 1


def day_text(day: int) -> str:
    """``YYYY-MM-DD`` (ISO 8601)."""
    return date.fromordinal(_EPOCH + day).isoformat()


def day_from(text: str) -> int:
    """Read :func:`day_text`; ``ValueError`` for anything else."""
    return date.fromisoformat(text).toordinal() - _EPOCH

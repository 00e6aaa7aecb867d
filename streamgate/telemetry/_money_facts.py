"""What happens to money; see ``_facts``."""

from __future__ import annotations

from dataclasses import dataclass

from streamgate.telemetry._facts import Fact


@dataclass(frozen=True, slots=True)
class MoneySpent(Fact):
    """What one call cost, by the price table; told once it was counted."""

    tenant: str
    purpose: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    money: float


@dataclass(frozen=True, slots=True)
class CostUnknown(Fact):
    """Calls that may have been billed, at a cost that is not known: a timeout, or a call begun before a crash."""

    tenant: str
    purpose: str
    model: str
    calls: int


@dataclass(frozen=True, slots=True)
class TenantMoneyLeft(Fact):
    """What is left of a tenant's budget, over all replicas, less what is held for calls that are out."""

    tenant: str
    period: str
    """``day`` or ``month``."""
    money: float


@dataclass(frozen=True, slots=True)
class PurposeMoneyLeft(Fact):
    """What is left of a purpose's budget, over all replicas, less what is held for calls that are out."""

    purpose: str
    period: str
    """``day`` or ``month``."""
    money: float

"""The policy as values: who the controller is, which tenants there are, and what each purpose may do.

Default deny: what is not named here is not allowed. These are not settings, and nothing here is read from a file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from streamgate.consent._basis import Basis
from streamgate.types import ModelRef

VERSION_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Purpose:
    """One specified purpose (GDPR Art. 5(1)(b)) with its basis and its limits."""

    name: str
    basis: Basis
    description: str
    tenants: tuple[str, ...]
    """Who may use it; nobody else."""
    models: tuple[str, ...]
    """Models that may be called, by their names (``ModelRef``); the first is the default."""
    recipients: tuple[str, ...]
    """Names of the processors that get the minimised prompt (Art. 13(1)(e))."""
    retention_days: int
    """How long the controller keeps answers for this purpose; told in the notice, enforced where the answers are kept."""
    fallbacks: tuple[str, ...] = ()
    """Models that are called, in this order, where the provider of the one that was asked for fails."""
    residency: tuple[str, ...] = ()
    """Where its prompts may be processed; empty: wherever the policy's providers are."""
    max_abuse_log_days: int | None = None
    """How long a provider may keep its prompts to look for abuse; ``None``: as long as the policy's providers do."""
    deadline_seconds: float = 120.0
    max_deadline_seconds: float = 900.0
    batch: bool = False
    """Whether the provider may hold prompts as files for a day, at half the price (its Batch API)."""
    batch_deadline_seconds: float = 93_600.0
    """Default and longest deadline of a prompt that is marked for it."""
    special_categories: bool = False
    """Whether data of GDPR Art. 9(1) is expected."""
    special_category_condition: str | None = None
    """The letter of Art. 9(2) that allows it, ``a`` to ``j``."""
    objection_allowed: bool | None = None
    """Whether a withdrawal or an objection stops it; ``None`` takes what the law says of the basis."""

    @property
    def providers(self) -> tuple[str, ...]:
        """Every provider that its prompts may go to, in the order in which they come into question."""
        return tuple(dict.fromkeys(ModelRef.parse(name).provider for name in (*self.models, *self.fallbacks)))

    @property
    def article(self) -> str:
        """The article of its basis."""
        return self.basis.article

    @property
    def stoppable(self) -> bool:
        """Whether a withdrawal or an objection stops it."""
        return self.basis.objection_by_law if self.objection_allowed is None else self.objection_allowed


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant and where its answers may go."""

    name: str
    reply_topics: tuple[str, ...]
    """Topic names without the prefix; the first is the default."""


@dataclass(frozen=True, slots=True)
class Controller:
    """Who is responsible (GDPR Art. 13(1)(a) and (b), 13(2)(d))."""

    name: str
    contact: str
    dpo_contact: str
    complaint_authority: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A processor that runs models, as the notice names it (GDPR Art. 13(1)(e) and (f))."""

    name: str
    location: str
    transfer_mechanism: str
    abuse_log_days: int
    residency: str
    """Where it keeps and processes what it gets, in a word that purposes can name: ``EU``, ``US``."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything the policy file says."""

    version: str
    tenants: Mapping[str, Tenant]
    purposes: Mapping[str, Purpose]
    controller: Controller
    providers: Mapping[str, Provider]
    """By the names that stand before the ``/`` of a model; one is ``default``."""
    retention_days: Mapping[str, int] = field(default_factory=dict)
    """Days by topic, without the prefix."""

    def purpose(self, name: str) -> Purpose | None:
        """The purpose of that name, if there is one."""
        return self.purposes.get(name)

    def tenant(self, name: str) -> Tenant | None:
        """The tenant of that name, if there is one."""
        return self.tenants.get(name)

    def reply_topics(self) -> tuple[str, ...]:
        """Every topic an answer may go to, each once, sorted."""
        return tuple(sorted({topic for tenant in self.tenants.values() for topic in tenant.reply_topics}))

    def models(self) -> tuple[str, ...]:
        """Every model that may be called, each once, sorted."""
        return tuple(sorted({model for purpose in self.purposes.values() for model in (*purpose.models, *purpose.fallbacks)}))

    def may_call(self, purpose: str, ref: ModelRef) -> bool:
        """Whether prompts of a purpose may go to a model."""
        known = self.purposes.get(purpose)
        return known is not None and any(ModelRef.parse(name) == ref for name in (*known.models, *known.fallbacks))

    def used_providers(self) -> tuple[Provider, ...]:
        """Every provider that some prompt may go to, by name."""
        used = {name for purpose in self.purposes.values() for name in purpose.providers}
        return tuple(sorted((self.providers[name] for name in used), key=lambda provider: provider.name))


def policy_version(document: Mapping[str, Any]) -> str:
    """First 16 hexadecimal digits of SHA-256 over the parsed file as JSON (UTF-8, sorted keys, no blanks).

    Comments, order and layout do not change it; any value does.
    """
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return hashlib.sha256(canonical).hexdigest()[:VERSION_DIGITS]

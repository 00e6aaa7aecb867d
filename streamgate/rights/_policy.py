"""The policy as far as the privacy notice tells it: protocols that the values of ``streamgate.consent`` satisfy by structure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class NoticePurpose(Protocol):
    """A purpose as the notice tells it; ``consent.Purpose`` is one."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def description(self) -> str:
        """In words for the data subject."""
        ...

    @property
    def basis(self) -> str:
        """The basis, as in the policy file."""
        ...

    @property
    def article(self) -> str:
        """The article of the basis."""
        ...

    @property
    def stoppable(self) -> bool:
        """Whether a withdrawal or an objection stops it."""
        ...

    @property
    def providers(self) -> tuple[str, ...]:
        """Every provider that its prompts may go to, in the order in which they come into question."""
        ...

    @property
    def recipients(self) -> tuple[str, ...]:
        """Processors by name."""
        ...

    @property
    def retention_days(self) -> int:
        """How long the controller keeps the answers."""
        ...

    @property
    def batch(self) -> bool:
        """Whether the provider may hold prompts as files for a day."""
        ...

    @property
    def special_categories(self) -> bool:
        """Whether data of Art. 9(1) is expected."""
        ...

    @property
    def special_category_condition(self) -> str | None:
        """The letter of Art. 9(2)."""
        ...


class NoticeController(Protocol):
    """Who is responsible."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def contact(self) -> str:
        """How to reach it."""
        ...

    @property
    def dpo_contact(self) -> str:
        """How to reach the data protection officer."""
        ...

    @property
    def complaint_authority(self) -> str:
        """Where to complain."""
        ...


class NoticeProvider(Protocol):
    """Who runs the models."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def location(self) -> str:
        """Where it processes."""
        ...

    @property
    def transfer_mechanism(self) -> str:
        """What makes a transfer there lawful."""
        ...

    @property
    def abuse_log_days(self) -> int:
        """How long it keeps prompts to look for abuse."""
        ...

    @property
    def residency(self) -> str:
        """Where it keeps and processes what it gets."""
        ...


class NoticePolicy(Protocol):
    """The policy as far as the notice tells it; ``consent.Policy`` is one."""

    @property
    def version(self) -> str:
        """Its version."""
        ...

    @property
    def controller(self) -> NoticeController:
        """Who is responsible."""
        ...

    @property
    def providers(self) -> Mapping[str, NoticeProvider]:
        """Who runs the models."""
        ...

    def used_providers(self) -> tuple[NoticeProvider, ...]:
        """Those that some prompt may go to."""
        ...

    @property
    def purposes(self) -> Mapping[str, NoticePurpose]:
        """What for."""
        ...

"""The prompts of a run, each a function of seed and number. Every one holds canaries: invented personal data that can be searched for."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass
from typing import Final

from streamgate.client import Prompt

SUBJECTS: Final = 60
CONSENTING: Final = 24
"""Subjects whose purpose stands on consent; the others' stands on a contract."""
TENANT: Final = "acme"
BY_CONSENT, BY_CONTRACT = "marketing-drafts", "support"
BULK: Final = 10
"""One prompt of so many goes by the bulk lane."""
OVERSIZE_BYTES: Final = 300_000
_NAMES: Final = ("Maria Gonzalez", "Peter Schneider", "Anna Kowalski", "James Whitaker")


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent in one run."""

    seed: int

    @property
    def stem(self) -> str:
        """Letters that stand in every e-mail address of this run and nowhere else."""
        chance = random.Random(f"streamgate soak stem {self.seed}")
        return "zq" + "".join(chance.choice(string.ascii_lowercase) for _ in range(8))

    def subject(self, number: int) -> str:
        """The subject of a prompt; its identifier is personal data too."""
        return f"{self.stem}.person.{number % SUBJECTS}"

    def consents(self, number: int) -> bool:
        """Whether the prompt's purpose stands on consent."""
        return number % SUBJECTS < CONSENTING

    def canaries(self) -> tuple[tuple[str, str], ...]:
        """Value and kind: what must not be found where no personal data may stand."""
        return ((self.stem, "EMAIL"), *((name, "PERSON") for name in _NAMES))

    def prompt(self, number: int, deadline_ms: int | None = None) -> Prompt:
        """A prompt of about 100 characters."""
        name = _NAMES[number % len(_NAMES)]
        text = f"My name is {name}, please write to {self.stem}{number}@example.com when the parcel I ordered has arrived."
        return self._prompt(number, f"e-{number}", text, deadline_ms)

    def conflicting(self, number: int) -> Prompt:
        """The event id of an earlier prompt, and another text."""
        return self._prompt(number, f"e-{number}", f"This is {self.stem}{number}@example.com, please forget what I asked before.", None)

    def oversize(self, mark: str, number: int) -> Prompt:
        """A prompt above the limit, with an event id of its own."""
        return self._prompt(number, f"big-{mark}", f"Write to {self.stem}@example.com. " + "x " * (OVERSIZE_BYTES // 2), None)

    def malformed(self, number: int) -> bytes:
        """Bytes that are no event, with a canary in them."""
        return (b"\xc3\x01" if number % 2 else b"") + f"write to {self.stem}{number}@example.com".encode()

    def _prompt(self, number: int, event_id: str, text: str, deadline_ms: int | None) -> Prompt:
        return Prompt(
            tenant=TENANT,
            subject=self.subject(number),
            purpose=BY_CONSENT if self.consents(number) else BY_CONTRACT,
            messages=[("user", text)],
            event_id=event_id,
            deadline_ms=deadline_ms,
            bulk=number % BULK == 0,
        )

"""What all sections of the settings share."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """What all sections share: frozen, no unknown settings, no input in messages."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def mistakes(self) -> tuple[str, ...]:
        """What is wrong between the settings of this section: ``name: what is wrong; what to write instead``."""
        return ()

    @model_validator(mode="after")
    def _together(self) -> Self:
        found = self.mistakes()
        if found:
            raise ValueError("\n".join(found))
        return self

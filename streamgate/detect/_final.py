"""The last look: over the payload that is about to leave, by patterns that leave no doubt."""

from __future__ import annotations

from typing import Final

import re2

from streamgate.detect._scan import scan_final
from streamgate.detect._types import Span

_TOKEN: Final = re2.compile(r"\[[A-Z][A-Z0-9_]*_[a-z2-7]{8}(?:_[a-z2-7]{2,4})?\]")


def final_scan(text: str) -> tuple[Span, ...]:
    """Findings outside tokens; empty when the text may leave."""
    # A token's place is filled with blanks, so that nothing is found across it either.
    blanked = _TOKEN.sub(lambda match: " " * len(match.group(0)), text)
    return scan_final(blanked)

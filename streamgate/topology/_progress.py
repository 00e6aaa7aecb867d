"""What is committed for one topic partition: the first offset that is not done, and which later ones are.

Records finish out of order, and the effects of each are in Kafka when its offset counts as done. A committed offset alone would have all
after it done again after a crash; so the done ones beyond it stand in the offset's metadata, in the same commit.

Metadata: ``1:`` and a bitmap in base64 without padding, most significant bit first; bit 0 is the committed offset itself, always clear.
Empty where nothing beyond is done. Kafka keeps 4,096 bytes of it (``offset.metadata.max.bytes``).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

REACH: Final = 16_384
"""How far beyond the committed offset records are taken: 2 KiB of bitmap, 2,733 characters."""
_VERSION: Final = "1:"


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one topic partition."""

    position: int
    """The first offset that is not done."""
    beyond: frozenset[int] = frozenset()
    """Offsets after it that are done, less than :data:`REACH` away."""

    def metadata(self) -> str:
        """The form that is committed beside the position."""
        if not self.beyond:
            return ""
        bits = bytearray((max(self.beyond) - self.position) // 8 + 1)
        for offset in self.beyond:
            at = offset - self.position
            bits[at // 8] |= 0x80 >> at % 8
        return _VERSION + base64.b64encode(bits).decode().rstrip("=")

    @classmethod
    def read(cls, position: int, metadata: str) -> Progress:
        """Read it back. Anything else, such as what other tools commit, says nothing of later offsets."""
        return cls(position, frozenset(_offsets(position, metadata)))


def _offsets(position: int, metadata: str) -> Iterable[int]:
    if not metadata.startswith(_VERSION):
        return
    text = metadata.removeprefix(_VERSION)
    try:
        bits = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return
    for at in range(1, len(bits) * 8):
        if bits[at // 8] & 0x80 >> at % 8:
            yield position + at

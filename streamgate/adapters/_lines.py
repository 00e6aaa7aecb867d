"""Lines of a stream of bytes, with a bound: a longer one is told as ``None`` and never held."""

from __future__ import annotations

from collections.abc import Iterator


class Lines:
    """Fed with pieces, the last of which is ``None``."""

    def __init__(self, longest: int) -> None:
        """``longest`` is in bytes."""
        self._longest = longest
        self._held = bytearray()
        self._skipping = False

    def feed(self, piece: bytes | None) -> Iterator[bytes | None]:
        """The lines that ``piece`` ends, without their ends; empty ones are left out."""
        if piece is None:
            yield from self._end()
            return
        *whole, rest = piece.split(b"\n")
        for part in whole:
            self._add(part)
            yield from self._end()
        self._add(rest)

    def _add(self, part: bytes) -> None:
        if self._skipping or len(self._held) + len(part) > self._longest:
            self._skipping = True
            self._held.clear()
        else:
            self._held += part

    def _end(self) -> Iterator[bytes | None]:
        if self._skipping:
            yield None
        elif self._held.strip():
            yield bytes(self._held)
        self._held.clear()
        self._skipping = False

"""Puts the values of one request back into an answer, from that request's own map and from nothing else.

Exact tokens first. What lies between them is searched for bent ones (``_bent``), which are recovered only where exactly one entry fits:
the code must be right to the last character, a type of ours must be the entry's type, and a variant that is written must exist.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamgate.vault._bent import Bent, bent_tokens
from streamgate.vault._secret import Handle
from streamgate.vault._token import EXACT_TOKEN, Token, read_token
from streamgate.vault._token_map import TokenMap


@dataclass(frozen=True, slots=True, repr=False)
class Restored(Handle):
    """An answer with real values, and how they were found."""

    text: str
    restored: int
    """Exact tokens replaced."""
    recovered: int
    """Bent tokens replaced."""
    unresolved: int
    """Tokens, exact or bent, that stay as they are: no entry fits, or more than one."""

    def __repr__(self) -> str:
        """Show counts only."""
        return f"Restored({self.restored} restored, {self.recovered} recovered, {self.unresolved} unresolved)"


def restore(text: str, token_map: TokenMap) -> Restored:
    """Replace what the map can answer for; everything else stays, character for character."""
    work = _Work(token_map)
    position = 0
    for found in EXACT_TOKEN.finditer(text):
        work.between(text[position : found.start()])
        work.exact(read_token(found))
        position = found.end()
    work.between(text[position:])
    return Restored("".join(work.pieces), work.restored, work.recovered, work.unresolved)


class _Work:
    """One restoring in progress."""

    __slots__ = ("_entries", "_tokens", "pieces", "recovered", "restored", "unresolved")

    def __init__(self, token_map: TokenMap) -> None:
        self._entries = token_map.entries
        self._tokens: dict[str, list[Token]] = {}
        for token in self._entries:
            self._tokens.setdefault(token.code, []).append(token)
        self.pieces: list[str] = []
        self.restored = self.recovered = self.unresolved = 0

    def exact(self, token: Token) -> None:
        """A well-formed token. One that lost its variant part is a bent one."""
        value = self._entries.get(token)
        if value is not None:
            self.pieces.append(value)
            self.restored += 1
        else:
            self._bent(token.text, self._fitting(token.entity, token.code, token.variant))

    def between(self, text: str) -> None:
        """Text without exact tokens."""
        position = 0
        for found in bent_tokens(text):
            self.pieces.append(text[position : found.start])
            self._candidate(text, found)
            position = found.end
        self.pieces.append(text[position:])

    def _candidate(self, text: str, found: Bent) -> None:
        fits = self._fitting(found.entity, found.code, found.variant)
        whole = text[found.start : found.end]
        if found.loose and not fits:
            self.pieces.append(text[found.start : found.core_start])
            self._bent(text[found.core_start : found.code_end], self._fitting(found.entity, found.code, ""))
            self.pieces.append(text[found.code_end : found.end])
        elif found.entity is None and not fits:
            self.pieces.append(whole)
        else:
            self._bent(whole, fits)

    def _fitting(self, entity: str | None, code: str, variant: str) -> list[Token]:
        """The entries that what was written may mean; the entry that is written exactly so comes before its variants."""
        tokens = [token for token in self._tokens.get(code, ()) if entity in {None, token.entity}]
        return [token for token in tokens if token.variant == variant] or ([] if variant else tokens)

    def _bent(self, text: str, fits: list[Token]) -> None:
        if len(fits) == 1:
            self.pieces.append(self._entries[fits[0]])
            self.recovered += 1
        else:
            self.pieces.append(text)
            self.unresolved += 1

"""Finds what a model may have made of a token: the bent forms.

The one grammar of bent tokens. Masking escapes everything found here and restoring looks at nothing else, so text that was
never a token cannot be taken for one. One pass; around each code at most ``REACH`` characters are looked at, so the time is linear.

A candidate is a code (8 characters, either case) together with what stands before it:

* a type of ours in either case and a separator. Brackets of any kind are part of it where they pair, and stay where they do not;
* or, inside paired brackets, another word and an underscore (the type was translated); or ``[`` alone (the type was dropped).

Ordinary words are kept out by one rule: without an underscore after a type of ours, and without paired brackets around both, the code
must hold a digit. Nothing spans a line.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from streamgate.vault._entities import ENTITIES

REACH: Final = 80
PAIRS: Final = {
    "[": "]", "(": ")", "{": "}", "<": ">", "「": "」", "『": "』", "【": "】", "〔": "〕", "［": "］", "（": "）", "｛": "｝",
    "《": "》", "〈": "〉", "«": "»", "‹": "›", "⟨": "⟩",
}  # fmt: skip
_UNDERSCORE: Final = r"(?:\\{0,2}[_＿]|&(?:#95|#x5[fF]|lowbar);)"
_LOOSE: Final = "(?:\\\\?[-\u2010-\u2015\u2212]|[ \u00a0])"
_SEPARATOR: Final = f"(?:{_UNDERSCORE}|{_LOOSE})"
_OPEN: Final = rf"(?:\\?[{re.escape(''.join(PAIRS))}]|&(?:#91|#x5[bB]|lsqb|lbrack|#40|lpar|#123|lcub|lbrace|lt|#60);)"
_CLOSE: Final = rf"(?:\\?[{re.escape(''.join(PAIRS.values()))}]|&(?:#93|#x5[dD]|rsqb|rbrack|#41|rpar|#125|rcub|rbrace|gt|#62);)"
_EMPHASIS: Final = r"[*`~]{0,3}"
_TYPES: Final = "|".join(entity.replace("_", f"{_SEPARATOR}?") for entity in sorted(ENTITIES, key=len, reverse=True))

_CODE: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z2-7]{8}(?![A-Za-z0-9])")
_DIGIT: Final = re.compile("[2-7]")
_HARD_BEFORE: Final = re.compile(rf"{_UNDERSCORE}\Z")
_OURS: Final = re.compile(
    rf"(?P<open>{_OPEN})?{_EMPHASIS}(?<![A-Za-z0-9])(?P<type>{_TYPES})(?P<separator>{_SEPARATOR})\Z", re.ASCII | re.IGNORECASE
)
_FOREIGN: Final = re.compile(rf"(?P<open>{_OPEN}){_EMPHASIS}(?P<type>[^\W\d_]+(?:{_SEPARATOR}[^\W\d_]+){{0,3}}{_UNDERSCORE})?\Z")
_AFTER: Final = re.compile(
    rf"(?P<variant>(?P<separator>{_SEPARATOR})(?P<letters>[A-Za-z2-7]{{4}})(?![A-Za-z0-9]))?(?P<close>{_EMPHASIS}(?P<bracket>{_CLOSE}))?"
)
_BY_LETTERS: Final = {entity.replace("_", ""): entity for entity in ENTITIES}


@dataclass(frozen=True, slots=True)
class Bent:
    """Text that could be a token. ``start:end`` is all of it; ``core_start:code_end`` is type and code alone."""

    start: int
    end: int
    core_start: int
    code_end: int
    entity: str | None
    code: str
    variant: str
    loose: bool
    """The variant follows a space or a hyphen, so it may as well be the next word."""


def bent_tokens(text: str) -> Iterator[Bent]:
    """Candidates from left to right, none overlapping another; each is looked at as if the text began where the last one ended."""
    floor = 0
    for code in _CODE.finditer(text):
        if code.start() < floor:
            continue
        found = _around(text, floor, code.start(), code.end())
        if found is not None:
            floor = found.end
            yield found


def _around(text: str, floor: int, start: int, end: int) -> Bent | None:
    """The candidate whose code stands at ``start:end``."""
    floor = max(floor, start - REACH)
    before = text[floor:start]
    hard = _HARD_BEFORE.search(before[-10:]) is not None
    digit = _DIGIT.search(text, start, end) is not None
    bracket = _after(text, end)["bracket"]
    if not (hard or digit or bracket):
        return None
    code = text[start:end].lower()
    ours = _OURS.search(before)
    if ours is not None and (hard or digit or _pairs(ours["open"], bracket)):
        return _ours(text, floor, ours, code, end, hard=hard)
    foreign = _FOREIGN.search(before) if digit else None
    return None if foreign is None else _foreign(text, floor, foreign, code, end)


def _ours(text: str, floor: int, before: re.Match[str], code: str, end: int, *, hard: bool) -> Bent:
    after = _after(text, end)
    paired = _pairs(before["open"], after["bracket"])
    loose = after["separator"] is not None and re.fullmatch(_UNDERSCORE, after["separator"]) is None
    if loose and hard and not paired:
        after = _NOTHING
        loose = False
    entity = _BY_LETTERS[re.sub(_SEPARATOR, "", before["type"]).upper()]
    core = floor + before.start("type")
    return Bent(
        start=floor + before.start() if paired else core,
        end=end + len(after["variant"] or "") + (len(after["close"] or "") if paired else 0),
        core_start=core,
        code_end=end,
        entity=entity,
        code=code,
        variant=(after["letters"] or "").lower(),
        loose=loose,
    )


def _foreign(text: str, floor: int, before: re.Match[str], code: str, end: int) -> Bent | None:
    after = _after(text, end)
    if not _pairs(before["open"], after["bracket"]):
        return None
    if before["type"] is None and _character(before["open"]) != "[":
        return None
    start = floor + before.start()
    return Bent(start, end + after.end() - after.start(), start, end, None, code, (after["letters"] or "").lower(), loose=False)


def _after(text: str, end: int) -> re.Match[str]:
    found = _AFTER.match(text, end)
    return _NOTHING if found is None else found


def _pairs(opening: str | None, closing: str | None) -> bool:
    return opening is not None and closing is not None and PAIRS[_character(opening)] == _character(closing)


def _character(bracket: str) -> str:
    """The bracket without a Markdown backslash or an HTML entity around it."""
    return html.unescape(bracket.removeprefix("\\"))


def _empty() -> re.Match[str]:
    found = _AFTER.match("")
    if found is None:
        raise AssertionError
    return found


_NOTHING: Final = _empty()

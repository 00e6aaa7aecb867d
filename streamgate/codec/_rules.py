"""What a schema says of a field: the ``streamgate`` property, its vocabulary, and how strongly each action protects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

STRENGTH: Final[Mapping[str, int]] = {
    "keep": 0,
    "scan": 1,
    "generalise": 2,
    "mask": 3,
    "tokenise": 4,
    "pseudonymise": 5,
    "seal": 6,
    "drop": 7,
}
"""The actions, from the weakest protection to the strongest. ``scan`` lets out what no detector finds."""
FIELD_ROLES: Final = frozenset(
    {
        "event_id",
        "tenant",
        "subject",
        "purpose",
        "created_at",
        "deadline",
        "reply_topic",
        "traceparent",
        "model",
        "batch",
        "messages",
        "message_role",
        "message_content",
        "tool_call_id",
        "parameters",
        "context",
    },
)
HOW: Final = frozenset({"year", "decade", "prefix", "bucket"})
KNOWN_DETAILS: Final = frozenset({"action", "role", "entity", "how", "size", "keep_last", "purposes"})


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field's annotation."""

    action: str
    role: str | None = None
    entity: str | None = None
    """``tokenise``: the entity type of the token."""
    how: str | None = None
    """``generalise``: year, decade, prefix or bucket."""
    size: float | None = None
    """``generalise``: characters of a prefix, width of a bucket."""
    keep_last: int | None = None
    """``mask``: characters left readable at the end."""
    purposes: tuple[str, ...] | None = None
    """The only purposes the field is used for; ``None``: all."""

    @classmethod
    def of(cls, annotation: Mapping[str, Any]) -> FieldRule:
        """From the property; unknown details are found by :func:`mistakes`, not here."""
        purposes = annotation.get("purposes")
        return cls(
            action=str(annotation.get("action")),
            role=annotation.get("role"),
            entity=annotation.get("entity"),
            how=annotation.get("how"),
            size=annotation.get("size"),
            keep_last=annotation.get("keep_last"),
            purposes=None if purposes is None else tuple(purposes),
        )

    @property
    def strength(self) -> int:
        """Place of its action in :data:`STRENGTH`."""
        return STRENGTH.get(self.action, -1)


def mistakes(annotation: Mapping[str, Any]) -> list[str]:
    """What is wrong with one annotation, a phrase each."""
    found = [f"unknown detail {name!r}" for name in sorted(set(annotation) - KNOWN_DETAILS)]
    action = annotation.get("action")
    if action not in STRENGTH:
        return [*found, f"unknown action; write one of {', '.join(STRENGTH)}"]
    if "role" in annotation and annotation["role"] not in FIELD_ROLES:
        found.append(f"unknown role; write one of {', '.join(sorted(FIELD_ROLES))}")
    if action == "tokenise" and not _upper(annotation.get("entity")):
        found.append("tokenise needs an entity in capitals, for example PERSON")
    if action == "generalise":
        found += _generalise(annotation)
    keep_last = annotation.get("keep_last", 0)
    if action == "mask" and not (isinstance(keep_last, int) and 0 <= keep_last <= 4):  # noqa: PLR2004  more than 4 characters identify
        found.append("mask keeps 0 to 4 characters (keep_last)")
    purposes = annotation.get("purposes")
    if purposes is not None and not (isinstance(purposes, list) and purposes and all(isinstance(each, str) for each in purposes)):
        found.append("purposes is a list of at least one name")
    return found


def _generalise(annotation: Mapping[str, Any]) -> list[str]:
    how, size = annotation.get("how"), annotation.get("size")
    if how not in HOW:
        return ["generalise needs how: year, decade, prefix or bucket"]
    if how in {"prefix", "bucket"} and not (isinstance(size, int | float) and not isinstance(size, bool) and size > 0):
        return [f"generalise by {how} needs a size above 0"]
    return []


def _upper(entity: object) -> bool:
    return isinstance(entity, str) and entity.isascii() and entity.replace("_", "").isalpha() and entity.isupper()


def weaker(old: FieldRule, new: FieldRule) -> bool:
    """Whether ``new`` lets out anything that ``old`` kept in."""
    if new.strength < old.strength:
        return True
    if old.purposes is not None and (new.purposes is None or set(new.purposes) - set(old.purposes)):
        return True
    if new.strength > old.strength:
        return False
    if new.action == "mask":
        return (new.keep_last or 0) > (old.keep_last or 0)
    return new.action == "generalise" and _finer(old, new)


def _finer(old: FieldRule, new: FieldRule) -> bool:
    if old.how != new.how:
        return (old.how, new.how) != ("year", "decade")
    if new.how == "prefix":
        return (new.size or 0) > (old.size or 0)
    return new.how == "bucket" and (new.size or 0) < (old.size or 0)


def strictest(one: FieldRule, other: FieldRule) -> FieldRule:
    """Of two rules for the same field, the one that lets out less; purposes are intersected."""
    chosen = other if weaker(other, one) else one
    if one.purposes is None or other.purposes is None:
        purposes = one.purposes if other.purposes is None else other.purposes
    else:
        purposes = tuple(each for each in one.purposes if each in other.purposes)
    return FieldRule(chosen.action, chosen.role, chosen.entity, chosen.how, chosen.size, chosen.keep_last, purposes)

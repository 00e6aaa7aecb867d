"""Schema and purpose to plan: for each field, the action that applies. A field without a rule, or not for this purpose, is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streamgate.codec import FieldRule, Schema, above

DROP: Final = FieldRule("drop")
SEAL: Final = FieldRule("seal")


@dataclass(frozen=True, slots=True)
class Plan:
    """Rules in force for one schema and purpose, and where each role stands."""

    rules: Mapping[str, FieldRule]
    roles: Mapping[str, str]
    """Path by role."""
    maps: frozenset[str] = frozenset()
    """Paths at which a map stands."""

    def rule(self, path: str) -> FieldRule:
        """The rule of a path; what the schema does not mention is dropped."""
        return self.rules.get(path, DROP)

    def path(self, role: str) -> str | None:
        """Where a role stands, if anywhere."""
        return self.roles.get(role)


def plan(schema: Schema, purpose: str) -> Plan:
    """The plan for one purpose. What is dropped or sealed is so with everything in it."""
    in_force: dict[str, FieldRule] = {}
    for path, rule in schema.rules.items():  # in schema order: a record before its fields
        parent = above(path)
        outer = None if parent is None else in_force.get(parent, DROP)
        for_this = rule.purposes is None or purpose in rule.purposes
        if not for_this or (outer is not None and outer.action == "drop"):
            in_force[path] = DROP
        elif outer is not None and outer.action == "seal" and rule.action != "drop":
            in_force[path] = SEAL
        else:
            in_force[path] = rule
    return Plan(in_force, roles(schema), schema.maps)


def roles(schema: Schema) -> dict[str, str]:
    """Path by role; the first in schema order where a role stands twice."""
    found: dict[str, str] = {}
    for path, rule in schema.rules.items():
        if rule.role is not None:
            found.setdefault(rule.role, path)
    return found

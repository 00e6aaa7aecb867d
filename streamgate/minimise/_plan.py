"""Schema and purpose to plan: for each field, the action that applies. A field without a rule, or not for this purpose, is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streamgate.codec import FieldRule, Schema

DROP: Final = FieldRule("drop")


@dataclass(frozen=True, slots=True)
class Plan:
    """Rules in force for one schema and purpose, and where each role stands."""

    rules: Mapping[str, FieldRule]
    roles: Mapping[str, str]
    """Path by role."""

    def rule(self, path: str) -> FieldRule:
        """The rule of a path; what the schema does not mention is dropped."""
        return self.rules.get(path, DROP)

    def path(self, role: str) -> str | None:
        """Where a role stands, if anywhere."""
        return self.roles.get(role)


def plan(schema: Schema, purpose: str) -> Plan:
    """The plan for one purpose."""
    in_force = {path: DROP if rule.purposes is not None and purpose not in rule.purposes else rule for path, rule in schema.rules.items()}
    return Plan(in_force, roles(schema))


def roles(schema: Schema) -> dict[str, str]:
    """Path by role; the first in schema order where a role stands twice."""
    found: dict[str, str] = {}
    for path, rule in schema.rules.items():
        if rule.role is not None:
            found.setdefault(rule.role, path)
    return found

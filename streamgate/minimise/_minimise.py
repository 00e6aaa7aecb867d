"""Plan and record to what is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast, get_args

from streamgate.codec import FIELD_ROLES, FieldRule
from streamgate.errors import Code, Refused
from streamgate.minimise._actions import as_text, generalise, mask
from streamgate.minimise._envelope import well_formed
from streamgate.minimise._limits import Limits
from streamgate.minimise._parameters import read_parameters
from streamgate.minimise._plan import Plan
from streamgate.minimise._values import Minimised, RawMessage, Segment, Treatment
from streamgate.types import ChatRole

ROLES: Final = frozenset(get_args(ChatRole))
_OWN_ROLES: Final = FIELD_ROLES - {"message_role", "message_content", "tool_call_id"}
"""Roles whose fields are read for their role, and do not reach the model by themselves."""
_MARKED: Final = frozenset({"tokenise", "pseudonymise", "seal", "mask"})


def minimise(plan: Plan, record: Mapping[str, Any], limits: Limits) -> Minimised:
    """Apply the plan. ``Refused``: ``EMPTY_PROMPT``, ``OVERSIZE_PROMPT``, ``ROLE_NOT_ALLOWED``, ``INVALID_FIELD``, ``INVALID_UTF8``."""
    work = _Work(plan)
    messages = tuple(work.messages(record, limits))
    context = tuple(work.context(record))
    parameters, stop = read_parameters(plan, record, limits)
    texts = [segment for message in messages for segment in message.segments]
    if not any(segment.text.strip() for segment in texts):
        raise Refused(Code.EMPTY_PROMPT)
    everything = [segment.text for segment in (*texts, *context, *stop)] + list(work.sealed.values())
    if not all(map(well_formed, everything)):
        raise Refused(Code.INVALID_UTF8)
    if sum(len(text.encode()) for text in everything) > limits.prompt_bytes or len(texts) > limits.parts:
        raise Refused(Code.OVERSIZE_PROMPT)
    return Minimised(messages, context, stop, work.sealed, work.dropped, parameters, tuple(work.marked))


@dataclass(slots=True, repr=False)
class _Work:
    plan: Plan
    sealed: dict[str, str] = field(default_factory=dict)
    dropped: int = 0
    marked: list[tuple[str, str | None]] = field(default_factory=list)

    def messages(self, record: Mapping[str, Any], limits: Limits) -> Iterator[RawMessage]:
        """The conversation, in order."""
        path = self.plan.path("messages")
        found = None if path is None else record.get(path)
        if path is None or not isinstance(found, list) or self.plan.rule(path).action == "drop":
            raise Refused(Code.EMPTY_PROMPT)
        if len(found) > limits.messages:
            raise Refused(Code.OVERSIZE_PROMPT)
        names = {role: (self.plan.path(role) or "").rpartition(".")[2] for role in ("message_role", "message_content", "tool_call_id")}
        for item in found:
            if not isinstance(item, Mapping):
                raise Refused(Code.INVALID_FIELD, path)
            role = item.get(names["message_role"]) if names["message_role"] else "user"
            if not isinstance(role, str) or role not in ROLES:
                raise Refused(Code.ROLE_NOT_ALLOWED)
            inside = f"{path}[].{names['message_content']}"
            segments = tuple(self._content(item.get(names["message_content"]), inside))
            call_id = item.get(names["tool_call_id"]) if names["tool_call_id"] else None
            if call_id is not None and not isinstance(call_id, str):
                raise Refused(Code.INVALID_FIELD, path)
            yield RawMessage(cast("ChatRole", role), segments, call_id)

    def _content(self, content: Any, path: str) -> Iterator[Segment]:
        if isinstance(content, str):
            yield from self._field(content, path)
        elif isinstance(content, list):
            for part in content:
                if isinstance(part, str):
                    yield from self._field(part, path)
                elif isinstance(part, Mapping):
                    if part.get("type", "text") != "text":
                        raise Refused(Code.INVALID_FIELD, f"{path}[].type")
                    for name, value in part.items():
                        if name != "type":
                            yield from self._field(value, f"{path}[].{name}")
        elif content is not None:
            raise Refused(Code.INVALID_FIELD, path)

    def context(self, record: Mapping[str, Any]) -> Iterator[Segment]:
        """Fields of the context record, and fields of the event itself that have no role."""
        for name, value in record.items():
            rule = self.plan.rules.get(name)
            if rule is not None and rule.role in _OWN_ROLES:
                if rule.role == "context":
                    yield from self._field(value, name)
                continue
            yield from self._field(value, name)

    def _field(self, value: Any, path: str) -> Iterator[Segment]:
        """One field's segments."""
        rule = self.plan.rule(path)
        if rule.action == "drop":
            self.dropped += value is not None
        else:
            yield from self._inside(value, path, path, rule)

    def _inside(self, value: Any, path: str, at: str, rule: FieldRule) -> Iterator[Segment]:
        """A record's fields have rules of their own; an array's items and a map's values have their field's."""
        if isinstance(value, list):
            for item in value:
                yield from self._inside(item, path, at + "[]", rule)
        elif not isinstance(value, Mapping):
            if value is not None:
                yield from self._leaf(value, path, rule)
        elif at in self.plan.maps:
            for item in value.values():  # a map's keys are data that nobody annotated: they stay behind
                yield from self._inside(item, path, at + "{}", rule)
        else:
            for name, item in value.items():
                yield from self._field(item, f"{at}.{name}")

    def _leaf(self, value: Any, path: str, rule: FieldRule) -> Iterator[Segment]:
        if rule.action in _MARKED or (rule.action == "generalise" and isinstance(value, str)):
            self.marked.append((as_text(value, path), rule.entity))
        match rule.action:
            case "keep":
                yield Segment(path, Treatment.PLAIN, as_text(value, path))
            case "scan":
                yield Segment(path, Treatment.SCAN, as_text(value, path))
            case "tokenise":
                yield Segment(path, Treatment.TOKENISE, as_text(value, path), rule.entity)
            case "pseudonymise":
                yield Segment(path, Treatment.PSEUDONYMISE, as_text(value, path))
            case "generalise":
                yield Segment(path, Treatment.PLAIN, generalise(value, rule, path))
            case "mask":
                yield Segment(path, Treatment.PLAIN, mask(as_text(value, path), rule.keep_last or 0))
            case "seal":
                self.sealed[path] = as_text(value, path)
            case _:
                self.dropped += 1

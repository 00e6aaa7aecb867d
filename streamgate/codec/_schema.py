"""One annotated Avro schema: reads and writes records, and knows the rule of each field."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import fastavro
from fastavro.schema import SchemaParseException, fingerprint, to_parsing_canonical_form

from streamgate.codec._rules import FieldRule, strictest
from streamgate.codec._walk import PROPERTY, Walk, walk
from streamgate.errors import Code, SchemaRejected, Unreadable

_DECODE_ERRORS: Final = (
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    StopIteration,
    MemoryError,
    struct.error,
    RecursionError,
)


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A record schema of one topic. ``rules`` maps paths such as ``messages[].content[].text`` to what happens with the field."""

    topic: str
    version: int | None
    """``None`` for a schema that came from a registry."""
    definition: Mapping[str, Any]
    fingerprint: bytes
    """CRC-64-AVRO over the parsing canonical form, 8 bytes little-endian. Ignores annotations."""
    sha256: str
    """Over the whole definition with its annotations, canonical JSON. What the lock approves."""
    rules: Mapping[str, FieldRule]
    maps: frozenset[str]
    """Paths at which a map stands: its values have no annotations of their own."""
    _parsed: Any

    @classmethod
    def parse(cls, topic: str, text: str, version: int | None = None) -> Schema:
        """Read a definition; raise ``SchemaRejected`` where it is not a record schema."""
        try:
            definition = json.loads(text)
            parsed = fastavro.parse_schema(_times_as_numbers(definition))
            canonical = to_parsing_canonical_form(definition)
            mark = bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))
        except (ValueError, SchemaParseException, KeyError, TypeError, AttributeError):
            raise SchemaRejected(Code.UNKNOWN_SCHEMA, (f"{topic}: not a valid Avro schema",)) from None
        if not isinstance(definition, dict) or definition.get("type") != "record":
            raise SchemaRejected(Code.UNKNOWN_SCHEMA, (f"{topic}: not a record schema",))
        found = walk(definition)
        return cls(topic, version, definition, mark, canonical_sha256(definition), _rules(found), found.maps, parsed)

    def decode(self, payload: bytes) -> dict[str, Any]:
        """Read a body, to its last byte; raise ``Unreadable(UNDECODABLE | INVALID_UTF8)``."""
        stream = io.BytesIO(payload)
        try:
            record = fastavro.schemaless_reader(stream, self._parsed, None)
        except UnicodeDecodeError:
            raise Unreadable(Code.INVALID_UTF8) from None
        except _DECODE_ERRORS:
            raise Unreadable(Code.UNDECODABLE) from None
        if stream.tell() != len(payload) or not isinstance(record, dict):
            raise Unreadable(Code.UNDECODABLE)
        return record

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """Write a body. A record of our own that does not fit is a mistake of ours: ``ValueError`` naming the topic only."""
        stream = io.BytesIO()
        try:
            fastavro.schemaless_writer(stream, self._parsed, dict(record), strict_allow_default=True)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            raise ValueError(f"record does not fit the schema of {self.topic}") from None
        return stream.getvalue()


def _rules(found: Walk) -> dict[str, FieldRule]:
    """The rule of each annotated path; where two branches of a union have a field of one name, the stricter one holds for both."""
    rules: dict[str, FieldRule] = {}
    bare = {path for path, field in found.fields if not isinstance(field.get(PROPERTY), Mapping)}
    for path, field in found.fields:
        if path not in bare:
            rule = FieldRule.of(field[PROPERTY])
            rules[path] = strictest(rules[path], rule) if path in rules else rule
    return rules


def canonical_sha256(definition: Any) -> str:
    """SHA-256 over JSON with sorted keys and no blanks, UTF-8; hexadecimal."""
    text = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _times_as_numbers(schema: Any) -> Any:
    """The same schema with timestamps as plain longs: milliseconds since the epoch, with no calendar's limits."""
    if isinstance(schema, list):
        return [_times_as_numbers(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        name: _times_as_numbers(value)
        for name, value in schema.items()
        if not (name == "logicalType" and value in {"timestamp-millis", "timestamp-micros"})
    }

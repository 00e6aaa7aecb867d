"""One annotated Avro schema: reads and writes records, and knows the rule of each field."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import fastavro
from fastavro.schema import SchemaParseException, fingerprint, to_parsing_canonical_form

from streamgate.codec._rules import FieldRule
from streamgate.errors import Code, SchemaRejected, Unreadable

PROPERTY: Final = "streamgate"
MAX_DEPTH: Final = 16
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
        rules = {path: FieldRule.of(field[PROPERTY]) for path, field in walk(definition) if isinstance(field.get(PROPERTY), dict)}
        return cls(topic, version, definition, mark, canonical_sha256(definition), rules, parsed)

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


def canonical_sha256(definition: Any) -> str:
    """SHA-256 over JSON with sorted keys and no blanks, UTF-8; hexadecimal."""
    text = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def walk(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field at every depth with its path; ``[]`` stands for items of an array, ``{}`` for values of a map."""
    yield from _walk(definition, "", {})


def _walk(schema: Any, prefix: str, named: dict[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:  # noqa: C901  one branch a kind of Avro type
    if prefix.count(".") > MAX_DEPTH:
        return  # a record that holds itself
    if isinstance(schema, list):
        for branch in schema:
            yield from _walk(branch, prefix, named)
    elif isinstance(schema, str):
        if schema in named:
            yield from _walk({**named[schema], "name": None}, prefix, named)
    elif isinstance(schema, Mapping):
        kind = schema.get("type")
        if kind == "record":
            if schema.get("name") is not None:
                named[schema["name"]] = schema
            for field in schema["fields"]:
                path = f"{prefix}.{field['name']}" if prefix else field["name"]
                yield path, field
                yield from _walk(field["type"], path, named)
        elif kind == "array":
            yield from _walk(schema["items"], prefix + "[]", named)
        elif kind == "map":
            yield from _walk(schema["values"], prefix + "{}", named)
        elif isinstance(kind, list | Mapping):
            yield from _walk(kind, prefix, named)


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

"""Bytes of a record to its schema and fields, in either framing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from streamgate.codec._frame import Frame, framed, parse_frame
from streamgate.codec._schema import Schema
from streamgate.codec._set import SchemaSet
from streamgate.errors import Code, Unreadable

CACHED: Final = 256


class RegistryClient(Protocol):
    """A schema registry that speaks the Confluent REST API."""

    async def schema_text(self, schema_id: int) -> str:
        """The schema registered under an id; ``Unreadable(UNKNOWN_SCHEMA)`` where there is none, ``Unavailable`` where it is down."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Decoded:
    """A record and the schema it was written with."""

    schema: Schema
    record: dict[str, Any]

    def __repr__(self) -> str:
        """Show the schema's name only."""
        return f"Decoded({self.schema.topic}, v{self.schema.version})"


class Decoder:
    """Reads records of known topics. Only approved schemas are ever used."""

    def __init__(self, schemas: SchemaSet, registry: RegistryClient | None) -> None:
        """Without a registry the Confluent wire format is refused as ``UNKNOWN_SCHEMA``."""
        self._schemas = schemas
        self._registry = registry
        self._by_id: OrderedDict[tuple[str, int], Schema] = OrderedDict()

    async def decode(self, topic: str, data: bytes | None) -> Decoded:
        """Read one record; raise ``Unreadable``, or ``Unavailable`` where the registry does not answer."""
        frame = parse_frame(data)
        schema = self._known(topic, frame) or await self._registered(topic, frame.schema_id or 0)
        return Decoded(schema, schema.decode(frame.payload))

    def decode_known(self, topic: str, data: bytes | None) -> Decoded:
        """Read one record without asking the registry; raise ``Unreadable``, also where its schema would have to be asked for."""
        frame = parse_frame(data)
        schema = self._known(topic, frame)
        if schema is None:
            raise Unreadable(Code.UNKNOWN_SCHEMA)
        return Decoded(schema, schema.decode(frame.payload))

    def _known(self, topic: str, frame: Frame) -> Schema | None:
        if frame.fingerprint is not None:
            return self._schemas.by_fingerprint(topic, frame.fingerprint)
        known = self._by_id.get((topic, frame.schema_id or 0))
        if known is not None:
            self._by_id.move_to_end((topic, frame.schema_id or 0))
        return known

    async def _registered(self, topic: str, schema_id: int) -> Schema:
        if self._registry is None:
            raise Unreadable(Code.UNKNOWN_SCHEMA)
        schema = self._schemas.approve_text(topic, await self._registry.schema_text(schema_id))
        self._by_id[topic, schema_id] = schema
        if len(self._by_id) > CACHED:
            self._by_id.popitem(last=False)
        return schema


def encode(schema: Schema, record: Mapping[str, Any]) -> bytes:
    """A record's value in single-object encoding."""
    return framed(schema.fingerprint, schema.encode(record))

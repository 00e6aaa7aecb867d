"""Avro: annotated schemas, both framings, the lock, compatibility. It judges no content: ``minimise`` reads the annotations."""

from streamgate.codec._check import Problem, annotation_problems, approve, check, incompatible, weakened
from streamgate.codec._decoder import Decoded, Decoder, RegistryClient, encode
from streamgate.codec._frame import Frame, parse_frame
from streamgate.codec._lock import Lock
from streamgate.codec._rules import FIELD_ROLES, FieldRule
from streamgate.codec._schema import Schema
from streamgate.codec._set import SchemaSet, packaged_schemas
from streamgate.codec._walk import above

__all__ = [
    "FIELD_ROLES",
    "Decoded",
    "Decoder",
    "FieldRule",
    "Frame",
    "Lock",
    "Problem",
    "RegistryClient",
    "Schema",
    "SchemaSet",
    "above",
    "annotation_problems",
    "approve",
    "check",
    "encode",
    "incompatible",
    "packaged_schemas",
    "parse_frame",
    "weakened",
]

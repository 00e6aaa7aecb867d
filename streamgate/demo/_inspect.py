"""Looks into everything that the demo produced: what leaked, and what the provider saw because nobody found it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streamgate.adapters.kafka_head import read_all
from streamgate.bootstrap import Installation
from streamgate.codec import Decoded
from streamgate.demo._leaks import Leak, remains, search
from streamgate.demo._sample import Sample, SampleKind
from streamgate.demo._workers import Running
from streamgate.detect import Detector
from streamgate.errors import StreamgateError
from streamgate.minimise import Limits, Treatment, minimise, plan
from streamgate.pipeline._vaultstate import VaultState
from streamgate.topology import Overlay
from streamgate.types import Subject, Topic

NO_VALUES_IN = (
    Topic.AUDIT_EVENTS,
    Topic.AUDIT,
    Topic.STANDING,
    Topic.SPEND,
    Topic.DEAD_LETTERS,
    Topic.OPERATOR_REQUESTS,
    Topic.OPERATOR_RESULTS,
)
"""Topics in which no planted value may stand."""


@dataclass(frozen=True, slots=True, repr=False)
class Payload:
    """What left the house for one sample: its request record and the bytes that the provider received."""

    request: Mapping[str, Any] | None
    completion: bytes
    received: bytes

    def __repr__(self) -> str:
        """Show sizes only."""
        return f"Payload({len(self.received)} bytes)"

    def text(self) -> str:
        """Every text of the request, in order."""
        return "" if self.request is None else "\n\n".join(message["content"] for message in self.request["messages"])


async def decoded(made: Installation, topic: str) -> list[dict[str, Any]]:
    """Every record of a topic, decoded."""
    decoder = made.decoder()
    return [(await decoder.decode(topic, message.value)).record async for message in read_all(made.connection(), made.prefix + topic)]


async def everywhere(running: Running, log: bytes) -> dict[str, bytes]:
    """Each place in which no planted value may stand, as bytes: decoded records, the log, the metrics page, the state."""
    made = running.installation
    places = {"log": log, "metrics page": running.metrics(), "state": _state(running)}
    for topic in NO_VALUES_IN:
        records = await decoded(made, topic)
        raw = [message async for message in read_all(made.connection(), made.prefix + topic)]
        plain = b"\n".join(b"%s %s" % (message.key or b"", message.value or b"") for message in raw)
        places[f"topic {topic}"] = repr(records).encode() + b"\n" + plain + b"\n" + b"\n".join(_nested(records))
    return places


def _nested(records: list[dict[str, Any]]) -> list[bytes]:
    return [value for record in records for value in record.values() if isinstance(value, bytes)]


def _state(running: Running) -> bytes:
    found = []
    for worker in (running.vault, running.egress):
        rows = worker.rows()
        for partition in range(running.installation.settings.kafka.partitions):
            found += [key + b" " + value for key, value in rows.scan(partition, b"")]
    return b"\n".join(found)


async def payloads(running: Running, samples: Sequence[Sample], received: Sequence[bytes]) -> dict[str, Payload]:
    """What left the house for each sample, by its name; vault's own state says which request belongs to which."""
    made = running.installation
    requests = {record["request_id"]: record for record in await decoded(made, Topic.REQUESTS)}
    completions = {record["request_id"]: repr(record).encode() for record in await decoded(made, Topic.COMPLETIONS)}
    bodies = {_messages_of(each): each for each in received}
    found = {}
    for sample in samples:
        request = requests.get(_request_id(running, sample))
        key = "" if request is None else _key([(m["role"], m["content"]) for m in request["messages"]])
        completion = b"" if request is None else completions.get(request["request_id"], b"")
        found[sample.name] = Payload(request, completion, bodies.get(key, b""))
    return found


def _messages_of(request: bytes) -> str:
    document = json.loads(request.partition(b"\r\n\r\n")[2])
    return _key([(message["role"], message["content"]) for message in document["messages"]])


def _key(messages: list[tuple[str, str]]) -> str:
    return json.dumps(messages)


def _request_id(running: Running, sample: Sample) -> bytes:
    parts = running.vault.vault
    if parts is None:
        return b""
    for partition in range(running.installation.settings.kafka.partitions):
        vault = VaultState(Overlay(running.vault.rows(), partition), parts.desk.sealer)
        outcome = vault.outcome(vault.outcome_key(Subject(sample.tenant, sample.subject), sample.name))
        if outcome is not None:
            return bytes.fromhex(outcome.request_id)
    return b""


async def marked(made: Installation, detector: Detector, sample: Sample) -> list[tuple[str, str]]:
    """Values of a sample that the schema or a detector marks, found again apart from the run: what no payload of it may hold."""
    schema = made.schemas.latest(Topic.PROMPTS)
    if sample.kind is SampleKind.MALFORMED:
        return []
    record = Decoded(schema, schema.decode(schema.encode(sample.prompt().record(0)))).record
    try:
        kept = minimise(plan(schema, sample.purpose), record, Limits())
    except StreamgateError:
        return []
    segments = [*(segment for message in kept.messages for segment in message.segments), *kept.context]
    scanned = [segment.text for segment in segments if segment.treatment is Treatment.SCAN]
    values = [(segment.text, segment.path) for segment in segments if segment.treatment in {Treatment.TOKENISE, Treatment.PSEUDONYMISE}]
    values += [(value, path) for path, value in kept.sealed.items()]
    for text, spans in zip(scanned, await detector.detect(scanned), strict=True):
        values += [(text[span.start : span.end], span.type.value) for span in spans]
    return values


def payload_leaks(sample: Sample, values: Sequence[tuple[str, str]], payload: Payload) -> list[Leak]:
    """Marked values that left the house all the same."""
    request = b"" if payload.request is None else payload.text().encode()
    places = {
        f"request of {sample.name}": request,
        f"completion of {sample.name}": payload.completion,
        f"provider for {sample.name}": payload.received,
    }
    return search(values, places)


def missed(sample: Sample, payload: Payload) -> tuple[tuple[str, str], ...]:
    """Planted values of which the provider saw a whole word."""
    seen = payload.text()
    return tuple((planted.value, planted.kind) for planted in sample.planted if seen and remains(planted.value, seen))

"""Reads every topic from its beginning, committed records only, and makes evidence of it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from streamgate.adapters.kafka_head import read_all
from streamgate.bootstrap import Installation, verify_audit
from streamgate.codec import Decoded
from streamgate.demo._leaks import search
from streamgate.demo.soak._evidence import Ended, Evidence, Forbidden, Letter, Limit, Noted
from streamgate.demo.soak._load import Load
from streamgate.demo.soak._nemesis import Nemesis
from streamgate.demo.soak._provider import UnreliableProvider, content_of
from streamgate.demo.soak._traffic import Traffic
from streamgate.demo.soak._workers import Fleet
from streamgate.types import Inbound, Role, Topic

CLEAR = frozenset({Topic.PROMPTS, Topic.PROMPTS_BULK, Topic.CONSENTS, Topic.SUBJECT_REQUESTS, Topic.SUBJECT_RESULTS, Topic.RESPONSES})
"""Topics that hold personal data by design: what producers write, and what consumers are given. Reply topics are of this kind."""
_SEARCHED_BYTES = 16 * 1024 * 1024


async def evidence_of(
    made: Installation,
    folder: Path,
    load: Load,
    limit: Limit,
    traffic: Traffic,
    fleet: Fleet,
    nemesis: Nemesis,
    provider: UnreliableProvider,
) -> Evidence:
    """Everything that a run left behind. Nothing may be running any more."""
    reports = await verify_audit(made, [folder / "keys" / "notary.pub.pem"], None, None)
    links = [(message.partition, link["source_offset"]) async for message, link in _records(made, Topic.AUDIT)]
    return Evidence(
        limit=limit,
        sent=tuple([sent async for sent in traffic.sent()]),
        responses=tuple([_ended(message, record) async for message, record in _records(made, Topic.RESPONSES)]),
        letters=tuple([_letter(made, record) async for _, record in _records(made, Topic.DEAD_LETTERS)]),
        audit=tuple([_noted(message, record) async for message, record in _records(made, Topic.AUDIT_EVENTS)]),
        linked=frozenset(links),
        breaks={number: report.first_break.kind.value for number, report in reports.items() if report.first_break is not None},
        requests={_content(r): r["request_id"] for topic in (Topic.REQUESTS, Topic.REQUESTS_BULK) async for _, r in _records(made, topic)},
        calls=tuple(provider.calls),
        faults=tuple(nemesis.happened),
        forbidden=(*traffic.withdrawn, *[each async for each in _erased(made, traffic)]),
        leaks=tuple(await _leaks(made, load, fleet, provider)),
        crashes=tuple(fleet.crashes),
    )


async def _records(made: Installation, topic: Topic) -> AsyncIterator[tuple[Inbound, dict[str, Any]]]:
    decoder = made.decoder()
    async for message in read_all(made.connection(), made.prefix + topic):
        decoded: Decoded = await decoder.decode(topic, message.value)
        yield message, decoded.record


def _ended(message: Inbound, record: Mapping[str, Any]) -> Ended:
    digest = hashlib.sha256(message.value or b"").digest()
    return Ended(record["event_id"], message.partition, message.offset, message.timestamp_ms, digest, record["status"], record["code"])


def _letter(made: Installation, record: Mapping[str, Any]) -> Letter:
    return Letter(record["topic"].removeprefix(made.prefix), record["source_partition"], record["source_offset"], record["code"])


def _noted(message: Inbound, record: Mapping[str, Any]) -> Noted:
    return Noted(message.partition, message.offset, record["fact"], record["code"], record["request_id"])


def _content(record: Mapping[str, Any]) -> bytes:
    return content_of([(message["role"], message["content"]) for message in record["messages"]])


async def _erased(made: Installation, traffic: Traffic) -> AsyncIterator[Forbidden]:
    """One for each erasure, from its first receipt on."""
    seen: set[str] = set()
    async for message, record in _records(made, Topic.SUBJECT_RESULTS):
        asked = traffic.erasures.get(record["request_id"])
        if asked is not None and record["request_id"] not in seen:
            seen.add(record["request_id"])
            yield Forbidden(asked[0], message.timestamp_ms, asked[1])


async def _leaks(made: Installation, load: Load, fleet: Fleet, provider: UnreliableProvider) -> list[str]:
    """Kind and place of each canary that stands where none may. Searched piece by piece: a long run does not fit into memory twice."""
    hidden = [name for name in Topic if name not in CLEAR]
    names = [made.prefix + name for name in hidden] + [f"{made.prefix}{role}-state" for role in (Role.VAULT, Role.EGRESS)]
    found: set[str] = set()

    def look(place: str, data: bytes) -> None:
        found.update(f"{leak.kind} in {leak.place} ({leak.form})" for leak in search(load.canaries(), {place: data}))

    for name in names:
        piece = bytearray()
        async for message in read_all(made.connection(), name):
            piece += b"%s %s\n" % (message.key or b"", message.value or b"")
            if len(piece) > _SEARCHED_BYTES:
                look(f"topic {name.removeprefix(made.prefix)}", bytes(piece))
                piece.clear()
        look(f"topic {name.removeprefix(made.prefix)}", bytes(piece))
    look("provider", b"\n".join(provider.received))
    for name, log in fleet.logs().items():
        look(f"log {name}", log)
    return sorted(found)

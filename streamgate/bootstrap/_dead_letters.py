"""What operators do with dead letters: list them, which needs no key, and ask vault to show or replay one, which is audited."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Final, Self

from streamgate.adapters.kafka_follow import following
from streamgate.adapters.kafka_head import read_all
from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.adapters.system import SystemClock, SystemEntropy
from streamgate.audit import operator_and_reason_fit
from streamgate.bootstrap._installation import Installation
from streamgate.codec import encode
from streamgate.detect import final_scan
from streamgate.errors import NEXT_STEP, Code, ConfigError, RecordError
from streamgate.pipeline._letters import obstacle
from streamgate.pipeline._original import Original
from streamgate.pipeline.operator_requests import reply_aad
from streamgate.types import Topic
from streamgate.vault import ReplyKey

_PLACE: Final = re.compile(r"(?:dead-letters-)?(?P<partition>[0-9]{1,9})@(?P<offset>[0-9]{1,18})")
_PUBLISH_SECONDS: Final = 30.0


@unique
class Command(StrEnum):
    """What vault can be asked about a dead letter."""

    SHOW = "show"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a dead letter stands."""

    partition: int
    offset: int

    def __str__(self) -> str:
        """As commands take it."""
        return f"{self.partition}@{self.offset}"

    @classmethod
    def read(cls, text: str) -> Self:
        """``2@17``, or ``dead-letters-2@17`` as ``tail`` writes it; raise ``ConfigError``."""
        found = _PLACE.fullmatch(text)
        if found is None:
            raise ConfigError((f"{text[:40]}: no place of a dead letter; write partition@offset, for example 2@17",))
        return cls(int(found["partition"]), int(found["offset"]))


@dataclass(frozen=True, slots=True)
class Letter:
    """What a dead letter says without being opened."""

    place: Place
    code: str
    role: str
    topic: str
    source: Place
    at_ms: int
    """Of the original."""
    lettered_at_ms: int
    size_bytes: int
    obstacle: Code | None
    """Why it cannot be replayed; ``None`` where vault may be asked. Whether it was replayed before only vault knows."""

    @property
    def next_step(self) -> str:
        """Of its code; another version of streamgate may have written one that this one does not know."""
        return NEXT_STEP[Code(self.code)] if self.code in set(Code) else ""


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What vault said."""

    place: Place
    code: Code | None
    """``None`` where it said nothing in time."""
    topic: str | None = None
    """Of the original, where there is a letter."""
    original: Original | None = None

    def __repr__(self) -> str:
        """Show no content."""
        return f"Answer({self.place}, {self.code})"


async def list_letters(installation: Installation) -> AsyncGenerator[Letter]:
    """Every dead letter there is now, by partition and offset. Letters that are none are left out."""
    decoder, now_ms = installation.decoder(), SystemClock().now_ms()
    retention_ms = installation.kept_ms(Topic.DEAD_LETTERS)
    found: list[Letter] = []
    async for message in read_all(installation.connection(), installation.prefix + Topic.DEAD_LETTERS):
        try:
            letter = (await decoder.decode(Topic.DEAD_LETTERS, message.value)).record
        except RecordError:
            continue
        found.append(_letter(Place(message.partition, message.offset), letter, obstacle(letter, now_ms, retention_ms)))
    for each in sorted(found, key=lambda letter: letter.place):
        yield each


def _letter(place: Place, letter: Mapping[str, Any], found: Code | None) -> Letter:
    return Letter(
        place=place,
        code=letter["code"],
        role=letter["role"],
        topic=letter["topic"],
        source=Place(letter["source_partition"], letter["source_offset"]),
        at_ms=letter["at"],
        lettered_at_ms=letter["lettered_at"],
        size_bytes=letter["size_bytes"],
        obstacle=found,
    )


async def ask_about_letters(
    installation: Installation, command: Command, places: Sequence[Place], operator: str, reason: str, wait_seconds: float
) -> list[Answer]:
    """Ask vault about each letter. An answer for each place, in the order given; without a code where vault said nothing in time."""
    _require(installation, places, operator, reason)
    key = ReplyKey(SystemEntropy())
    asked = {place: _request(command, place, operator, reason, wait_seconds, key) for place in places}
    waiting = {request["request_id"]: place for place, request in asked.items()}
    answers: dict[Place, Answer] = {}
    topic, partitions = installation.prefix + Topic.OPERATOR_RESULTS, installation.settings.kafka.partitions
    decoder = installation.decoder()
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_seconds), following(installation.connection(), topic, partitions) as results:
            await _send(installation, list(asked.values()))
            async for message in results:
                result = (await decoder.decode(Topic.OPERATOR_RESULTS, message.value)).record
                place = waiting.pop(result["request_id"], None)
                if place is not None:
                    answers[place] = _answer(place, asked[place], result, key)
                if not waiting:
                    break
    return [answers.get(place, Answer(place, None)) for place in asked]


def _request(command: Command, place: Place, operator: str, reason: str, wait_seconds: float, key: ReplyKey) -> dict[str, Any]:
    now_ms = SystemClock().now_ms()
    return {
        "request_id": uuid.uuid4().hex,
        "letter_partition": place.partition,
        "letter_offset": place.offset,
        "command": command.value,
        "operator": operator,
        "reason": reason,
        "public_key": key.public_key if command is Command.SHOW else None,
        "requested_at": now_ms,
        "answer_by": now_ms + round(wait_seconds * 1000),
    }


def _answer(place: Place, asked: Mapping[str, Any], result: Mapping[str, Any], key: ReplyKey) -> Answer:
    sealed = result["sealed"]
    original = None if sealed is None else Original.from_bytes(key.open(sealed, reply_aad(asked)))
    return Answer(place, Code(result["code"]), result["topic"], original)


def _require(installation: Installation, places: Sequence[Place], operator: str, reason: str) -> None:
    """What vault would refuse is said before anything is asked."""
    problems = []
    if not operator_and_reason_fit(operator, "why"):
        problems.append("--operator: not an account name; write letters, digits, '.', '_' and '-', at most 64")
    if final_scan(operator):
        problems.append("--operator: looks like personal data, and stays in the audit log; write an account name")
    if not operator_and_reason_fit("who", reason):
        problems.append("--reason: write 3 to 120 characters of plain ASCII text, beginning with a letter or a digit")
    if final_scan(reason):
        problems.append("--reason: looks like personal data, and stays in the audit log; name a ticket instead")
    count = installation.settings.kafka.partitions
    problems += [f"{place}: there are {count} partitions, from 0 on" for place in places if place.partition >= count]
    if problems:
        raise ConfigError(tuple(problems))


async def _send(installation: Installation, requests: Sequence[Mapping[str, Any]]) -> None:
    """Each to the partition of its letter: there vault holds the state of whom the original is about."""
    publisher = KafkaPublisher(installation.connection(), embedded=installation.settings.kafka.embedded)
    schema, topic = installation.schemas.latest(Topic.OPERATOR_REQUESTS), installation.prefix + Topic.OPERATOR_REQUESTS
    await publisher.start()
    try:
        records = [
            Publication(topic, request["letter_partition"], str(request["request_id"]).encode(), encode(schema, request))
            for request in requests
        ]
        await publisher.publish(records, _PUBLISH_SECONDS)
    finally:
        await publisher.stop()

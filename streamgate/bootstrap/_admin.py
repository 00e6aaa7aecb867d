"""What operators do: topics, keys, consents, subject requests, the audit log, the notice."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from enum import StrEnum, unique
from pathlib import Path
from typing import Any

from streamgate.adapters.kafka_follow import following
from streamgate.adapters.kafka_head import read_all
from streamgate.adapters.kafka_publisher import KafkaPublisher, Publication
from streamgate.adapters.kafka_topics import KafkaTopics
from streamgate.adapters.key_file import KeyFile
from streamgate.adapters.signing_key import SigningKey, verifying_keys
from streamgate.adapters.system import SystemClock
from streamgate.audit import Report, Verifier, read_checkpoint, write_checkpoint
from streamgate.bootstrap._installation import Installation
from streamgate.bootstrap._partition_count import refuse_half_changed
from streamgate.codec import Decoded, encode
from streamgate.errors import ConfigError, OperationRefused, StreamgateError
from streamgate.pipeline._screen import partition_of
from streamgate.rights import generate
from streamgate.types import Inbound, Subject, Topic

PUBLISH_SECONDS = 30.0


@unique
class Decision(StrEnum):
    """A data subject's decision about a purpose."""

    GRANT = "grant"
    WITHDRAW = "withdraw"


@unique
class Right(StrEnum):
    """A right that is exercised on the subject-requests topic."""

    ERASE = "erase"
    EXPORT = "export"


async def apply_topics(installation: Installation) -> list[str]:
    """Create what is missing; one line per topic created."""
    async with KafkaTopics(installation.connection()) as topics:
        created = await topics.apply(installation.topics())
    return [f"created {name}" for name in created] or ["nothing to do"]


async def check_topics(installation: Installation) -> list[str]:
    """Every difference, one line each."""
    async with KafkaTopics(installation.connection()) as topics:
        try:
            await refuse_half_changed(installation, topics)
        except OperationRefused as unfinished:
            return [str(unfinished)]
        return await topics.check(installation.topics(), configs=not installation.settings.kafka.embedded)


def create_keys(directory: Path) -> list[Path]:
    """The keys that do not exist yet: vault's key file, its dead-letter public key, the notary's signing key and its public half."""
    keys = directory / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    vault, signing = keys / "vault.json", keys / "notary.pem"
    dead_letters, public = keys / "dead-letters.pub", keys / "notary.pub.pem"
    written = []
    if not vault.exists():
        KeyFile.create(vault)
        written.append(vault)
    if not dead_letters.exists():
        sealer = KeyFile(vault).dead_letter_sealer()
        dead_letters.write_text(sealer.to_text().rpartition(":")[2] + "\n", encoding="ascii")
        written.append(dead_letters)
    if not signing.exists():
        SigningKey.create(signing)
        written.append(signing)
    if not public.exists():
        public.write_bytes(SigningKey(signing).public_pem())
        written.append(public)
    return written


async def publish_consent(
    installation: Installation, tenant: str, subject_id: str, purpose: str | None, decision: Decision, source: str
) -> None:
    """Write one decision to the consents topic."""
    _require_tenant(installation, tenant)
    if purpose is not None and installation.policy.purpose(purpose) is None:
        raise ConfigError((f"--purpose: the policy has no such purpose; it has {', '.join(sorted(installation.policy.purposes))}",))
    record = {
        "tenant": tenant,
        "subject": subject_id,
        "purpose": purpose,
        "decision": decision.value,
        "decided_at": SystemClock().now_ms(),
        "source": source,
    }
    await _publish(installation, Topic.CONSENTS, Subject(tenant, subject_id), record)


async def request_right(installation: Installation, tenant: str, subject_id: str, right: Right, wait_seconds: float) -> str:
    """Write the request, wait for its result, and return the document (JSON)."""
    _require_tenant(installation, tenant)
    request_id = uuid.uuid4().hex
    subject = Subject(tenant, subject_id)
    record = {
        "request_id": request_id,
        "tenant": tenant,
        "subject": subject_id,
        "kind": right.value,
        "requested_at": SystemClock().now_ms(),
    }
    topic, partitions = installation.prefix + Topic.SUBJECT_RESULTS, installation.settings.kafka.partitions
    decoder = installation.decoder()
    async with following(installation.connection(), topic, partitions) as results, asyncio.timeout(wait_seconds):
        await _publish(installation, Topic.SUBJECT_REQUESTS, subject, record)
        async for message in results:
            result = (await decoder.decode(Topic.SUBJECT_RESULTS, message.value)).record
            if result["request_id"] == request_id:
                return str(result["document"])
    raise TimeoutError


async def verify_audit(
    installation: Installation, public_keys: Sequence[Path], checkpoint: Path | None, write: Path | None
) -> Mapping[int, Report]:
    """Read the audit topic from its beginning and check each partition's chain."""
    verifier = Verifier(verifying_keys(path.read_bytes() for path in public_keys))
    heads = None if checkpoint is None else read_checkpoint(checkpoint.read_text(encoding="utf-8"))
    decoder = installation.decoder()
    entries: dict[int, list[dict[str, Any]]] = {number: [] for number in range(installation.settings.kafka.partitions)}
    async for message in read_all(installation.connection(), installation.prefix + Topic.AUDIT):
        entries[message.partition].append((await decoder.decode(Topic.AUDIT, message.value)).record)
    reports = {partition: verifier.check(chain, partition=partition, expected_heads=heads) for partition, chain in entries.items()}
    if write is not None:
        write.write_text(write_checkpoint({p: report.head for p, report in reports.items() if report.head is not None}), encoding="utf-8")
    return reports


def notice(installation: Installation) -> str:
    """The privacy notice, as Markdown."""
    rules = {str(topic): installation.schemas.latest(topic).rules for topic in (Topic.PROMPTS, Topic.CONSENTS, Topic.SUBJECT_REQUESTS)}
    return generate(installation.policy, rules, installation.horizons())


def _require_tenant(installation: Installation, tenant: str) -> None:
    if installation.policy.tenant(tenant) is None:
        raise ConfigError((f"--tenant: the policy has no such tenant; it has {', '.join(sorted(installation.policy.tenants))}",))


async def _publish(installation: Installation, topic: Topic, subject: Subject, record: Mapping[str, Any]) -> None:
    await produce_raw(installation, topic, subject, encode(installation.schemas.latest(topic), record))


async def produce_raw(installation: Installation, topic: Topic, subject: Subject, value: bytes) -> None:
    """Write a record's value as it is, keyed and placed by its subject; raise ``ConfigError`` where the settings would misplace it."""
    async with KafkaTopics(installation.connection()) as topics:
        counts = await topics.counts([installation.prefix + topic])
    if counts.get(installation.prefix + topic) != installation.settings.kafka.partitions:
        raise ConfigError((f"{installation.prefix}{topic}: has other partitions than kafka.partitions; see `streamgate topics check`",))
    publisher = KafkaPublisher(installation.connection(), embedded=installation.settings.kafka.embedded)
    await publisher.start()
    try:
        partition = partition_of(subject.key(), installation.settings.kafka.partitions)
        await publisher.publish([Publication(installation.prefix + topic, partition, subject.key(), value)], PUBLISH_SECONDS)
    finally:
        await publisher.stop()


async def follow(
    installation: Installation, topic: str, *, from_beginning: bool, once: bool
) -> AsyncGenerator[tuple[Inbound, Decoded | StreamgateError], None]:
    """Records of a topic, decoded; one that cannot be decoded comes with its error instead."""
    decoder = installation.decoder()
    schema = Topic.RESPONSES if topic in installation.policy.reply_topics() else topic
    name = installation.prefix + topic

    async def decoded(message: Inbound) -> Decoded | StreamgateError:
        try:
            return await decoder.decode(schema, message.value)
        except StreamgateError as error:
            return error

    if once:
        async for message in read_all(installation.connection(), name):
            yield message, await decoded(message)
        return
    partitions = installation.settings.kafka.partitions
    async with following(installation.connection(), name, partitions, from_beginning=from_beginning) as records:
        async for message in records:
            yield message, await decoded(message)

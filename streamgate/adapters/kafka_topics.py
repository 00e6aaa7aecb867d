"""Which topics an installation has and how they are set; creates, checks and deletes them. Faust never declares any.

The partition count is pinned by the topics themselves: another count in the settings is reported, never applied, since keys would move.
While it is being changed the topics have two counts: :data:`LAST` has the old one until all else is done, and nobody works meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka.admin import NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, KafkaTimeoutError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from streamgate.adapters._admin import Admin
from streamgate.types import Role, Topic

_DAY_MS: Final = 86_400_000
_LOOKS: Final = 200
_LOOK_SECONDS: Final = 0.05
_COMPACTED: Final = {
    "cleanup.policy": "compact",
    # A tombstone must leave the disk soon: erasure (GDPR Art. 17) waits for the cleaner. Segments roll on append only.
    "max.compaction.lag.ms": "3600000",
    "min.cleanable.dirty.ratio": "0.1",
    "delete.retention.ms": str(_DAY_MS),
}
RETENTION_DAYS: Final[Mapping[Topic, int]] = {
    Topic.PROMPTS: 7,
    Topic.PROMPTS_BULK: 7,
    Topic.CONSENTS: -1,
    Topic.SUBJECT_REQUESTS: 30,
    Topic.SUBJECT_RESULTS: 30,
    Topic.REQUESTS: 7,
    Topic.REQUESTS_BULK: 7,
    Topic.REQUESTS_BATCH: 3,  # a batch takes a day, and its requests are read again when it is made and when it is answered
    Topic.COMPLETIONS: 7,
    Topic.RESPONSES: 7,
    Topic.AUDIT_EVENTS: 30,
    Topic.AUDIT: -1,
    Topic.DEAD_LETTERS: 14,
    Topic.OPERATOR_REQUESTS: 7,
}
"""Days each topic keeps its records; −1 keeps them. Standing, spend and changelogs are compacted; budget and operator-results: an hour."""
_SHORT: Final = {"cleanup.policy": "delete", "retention.ms": "3600000", "segment.ms": "600000"}
"""Of no use to anybody after an hour."""
_BUDGET: Final = {**_SHORT, "message.timestamp.type": "LogAppendTime"}
"""One partition, since its order is what everybody goes by; times by one clock; nothing older than a minute is of use."""
LAST: Final = Topic.AUDIT
"""The topic that gets new partitions last; nothing is written to it while the partition count is being changed."""
INPUTS: Final = frozenset({Topic.PROMPTS, Topic.PROMPTS_BULK, Topic.CONSENTS, Topic.SUBJECT_REQUESTS})
MAX_INPUT_BYTES: Final = 1_048_588
"""Kafka's default. Producers of others write to these topics; every other record is ours, and may be larger than what it answers."""


@dataclass(frozen=True, slots=True)
class PlannedTopic:
    """One topic as it should be."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str] = field(default_factory=dict)


def topic_plan(
    prefix: str,
    *,
    partitions: int,
    replication: int = 3,
    min_insync: int = 2,
    max_message_bytes: int = 4_194_304,
    retention_days: Mapping[Topic, int] = RETENTION_DAYS,
    reply_topics: Iterable[str] = (),
) -> tuple[PlannedTopic, ...]:
    """Every topic of an installation; reply topics of the policy are named without the prefix."""
    common = {"min.insync.replicas": str(min(min_insync, replication)), "max.message.bytes": str(max_message_bytes)}
    # What comes in must fit, sealed, into a dead letter, and masked into a request.
    given = {"max.message.bytes": str(min(max_message_bytes, MAX_INPUT_BYTES))}

    def kept(days: int) -> dict[str, str]:
        return common | {"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS if days >= 0 else -1)}

    def planned(name: str, configs: Mapping[str, str]) -> PlannedTopic:
        return PlannedTopic(name, partitions, replication, configs)

    compacted = common | _COMPACTED

    def configs(topic: Topic) -> dict[str, str]:
        if topic in {Topic.STANDING, Topic.SPEND}:
            return compacted
        if topic is Topic.OPERATOR_RESULTS:
            return common | _SHORT
        return kept(retention_days[topic]) | (given if topic in INPUTS else {})

    topics = [planned(prefix + topic, configs(topic)) for topic in Topic if topic is not Topic.BUDGET]
    topics.append(PlannedTopic(prefix + Topic.BUDGET, 1, replication, common | _BUDGET))
    topics += [planned(f"{prefix}{role}-state", compacted) for role in (Role.VAULT, Role.EGRESS)]
    topics += [planned(prefix + name, kept(retention_days[Topic.RESPONSES])) for name in sorted(set(reply_topics) - set(Topic))]
    return tuple(topics)


class KafkaTopics(Admin):
    """``async with KafkaTopics(connection) as topics``."""

    async def existing(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Metadata of those topics that exist."""
        present = set(await self._admin.list_topics())
        wanted = [name for name in names if name in present]
        found = await self._admin.describe_topics(wanted) if wanted else []
        return {topic["topic"]: topic for topic in found if not topic["error_code"]}

    async def counts(self, names: Iterable[str]) -> dict[str, int]:
        """How many partitions each of those topics has that exist."""
        return {name: len(found["partitions"]) for name, found in (await self.existing(names)).items()}

    async def grow(self, names: Iterable[str], partitions: int) -> None:
        """Add partitions to topics that have fewer; returns when the brokers know of them."""
        fewer = [name for name, count in (await self.counts(names)).items() if count < partitions]
        if fewer:
            await self._admin.create_partitions({name: NewPartitions(partitions) for name in fewer})
        for _ in range(_LOOKS):
            if all(count == partitions for count in (await self.counts(fewer)).values()):
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise KafkaTimeoutError

    async def apply(self, plan: Sequence[PlannedTopic]) -> tuple[str, ...]:
        """Create what is missing; names of the topics created. Existing topics are left alone: see :meth:`check`."""
        present = await self.existing(topic.name for topic in plan)
        missing = [topic for topic in plan if topic.name not in present]
        if missing:
            response = await self._admin.create_topics(
                [NewTopic(t.name, t.partitions, t.replication, topic_configs=dict(t.configs)) for t in missing]
            )
            _raise_for(response.to_object()["topic_errors"], TopicAlreadyExistsError)
            for _ in range(_LOOKS):  # brokers learn of new topics a little later
                if len(await self.existing(topic.name for topic in missing)) == len(missing):
                    break
                await asyncio.sleep(_LOOK_SECONDS)
        return tuple(topic.name for topic in missing)

    async def check(self, plan: Sequence[PlannedTopic], *, configs: bool = True) -> list[str]:
        """Differences between plan and broker, one line each; empty when all is as planned. ``configs=False`` for the embedded broker."""
        problems: list[str] = []
        present = await self.existing(topic.name for topic in plan)
        for topic in plan:
            found = present.get(topic.name)
            if found is None:
                problems.append(f"{topic.name}: does not exist")
                continue
            count = len(found["partitions"])
            if count != topic.partitions:
                problems.append(
                    f"{topic.name}: has {count} partitions, the settings say {topic.partitions}: write kafka.partitions = {count}"
                )
            replicas = min((len(p["replicas"]) for p in found["partitions"]), default=0)
            if configs and replicas < topic.replication:
                problems.append(f"{topic.name}: has {replicas} replicas, planned are {topic.replication}")
        if configs:
            problems += await self._config_problems([topic for topic in plan if topic.name in present])
        return problems

    async def _config_problems(self, plan: Sequence[PlannedTopic]) -> list[str]:
        if not plan:
            return []
        problems: list[str] = []
        wanted = {topic.name: topic.configs for topic in plan}
        resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in plan]
        for response in await self._admin.describe_configs(resources):
            for resource in response.to_object()["resources"]:
                found = {entry["config_names"]: entry["config_value"] for entry in resource["config_entries"]}
                for key, value in wanted[resource["resource_name"]].items():
                    if found.get(key) != value:
                        problems.append(f"{resource['resource_name']}: {key} is {found.get(key)}, planned is {value}")
        return problems

    async def delete(self, names: Iterable[str]) -> None:
        """Delete topics; those that do not exist are fine."""
        listed = list(names)
        if listed:
            response = await self._admin.delete_topics(listed)
            _raise_for(response.to_object()["topic_error_codes"], UnknownTopicOrPartitionError)


def _raise_for(errors: Iterable[Mapping[str, Any]], harmless: type[KafkaError]) -> None:
    for entry in errors:
        code = entry["error_code"]
        if code and code != harmless.errno:
            raise for_code(code)(entry["topic"])

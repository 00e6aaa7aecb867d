"""Settings, policy and schemas, read once and held together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.adapters.kafka_topics import RETENTION_DAYS, PlannedTopic, topic_plan
from streamgate.adapters.registry import ConfluentRegistry
from streamgate.codec import Decoder, SchemaSet, packaged_schemas
from streamgate.config import Settings, check_money, load_policy, read_secret
from streamgate.config import load as load_settings
from streamgate.consent import Policy
from streamgate.effects import Clock
from streamgate.pipeline._reader import REGISTRY_WAIT_SECONDS
from streamgate.pipeline._recent import FRESHNESS_GIVES_UP_MS
from streamgate.rights import Horizons
from streamgate.topology import DiskRows, Rows, RowStore, RuntimeSettings
from streamgate.types import SCHEMA_TOPICS, Role, Topic

SECURITY = {"plaintext": "PLAINTEXT", "tls": "SSL", "sasl_tls": "SASL_SSL"}
COMPACTION_SECONDS = 7_200
"""Compaction lag of the state topics, vault's next beat (``pipeline.sweep``) and a cleaning, rounded up; what a receipt promises."""
MARGIN_SECONDS = 60.0
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything that one deployment of streamgate is made from."""

    settings: Settings
    policy: Policy
    schemas: SchemaSet

    @property
    def prefix(self) -> str:
        """Of every topic and group."""
        return self.settings.kafka.prefix

    def connection(self) -> KafkaConnection:
        """How to reach Kafka."""
        kafka = self.settings.kafka
        password = read_secret(kafka.sasl_password, kafka.sasl_password_file, "kafka.sasl_password_file")
        sasl = kafka.security == "sasl_tls"
        return KafkaConnection(
            bootstrap=kafka.bootstrap,
            security_protocol=SECURITY[kafka.security],  # type: ignore[arg-type]  # the table above holds only allowed values
            sasl_mechanism=kafka.sasl_mechanism if sasl else None,
            sasl_username=kafka.sasl_user,
            sasl_password=None if password is None else password.get_secret_value(),
            tls_ca=kafka.tls_ca_file,
            tls_certificate=kafka.tls_certificate_file,
            tls_key=kafka.tls_key_file,
        )

    def decoder(self) -> Decoder:
        """Reads both framings; asks the registry only where one is set."""
        schemas = self.settings.schemas
        if schemas.registry_url is None:
            return Decoder(self.schemas, None)
        password = read_secret(schemas.registry_password, schemas.registry_password_file, "schemas.registry_password_file")
        auth = None if schemas.registry_user is None or password is None else (schemas.registry_user, password.get_secret_value())
        return Decoder(self.schemas, ConfluentRegistry(schemas.registry_url, auth=auth))

    def topics(self) -> tuple[PlannedTopic, ...]:
        """Every topic as it should be."""
        kafka = self.settings.kafka
        return topic_plan(
            kafka.prefix,
            partitions=kafka.partitions,
            replication=kafka.replication_factor,
            retention_days=self._retention(),
            reply_topics=self.policy.reply_topics(),
        )

    def horizons(self) -> Horizons:
        """What only time removes."""
        kept = self._retention()
        by_topic = {self.prefix + topic: days for topic, days in kept.items() if days >= 0}
        by_topic |= {self.prefix + topic: kept[Topic.RESPONSES] for topic in self.policy.reply_topics()}
        by_topic[self.prefix + Topic.OPERATOR_RESULTS] = 1  # an hour, and until the broker looks
        return Horizons(
            topic_retention_days=by_topic,
            provider_log_days={provider.name: provider.abuse_log_days for provider in self.policy.used_providers()},
            compaction_seconds=COMPACTION_SECONDS,
            embedded=self.settings.kafka.embedded,
            batch_file_days=3 if any(purpose.batch for purpose in self.policy.purposes.values()) else None,
        )

    def runtime(self) -> RuntimeSettings:
        """Sizes and times of a worker."""
        runtime, kafka = self.settings.runtime, self.settings.kafka
        return RuntimeSettings(
            partitions=kafka.partitions,
            embedded=kafka.embedded,
            pool=runtime.pool,
            # Of bulk just as many as detectors: what is interactive waits for one text at most.
            pools={Topic.PROMPTS_BULK: self.settings.vault.detector_workers},
            commit_seconds=runtime.commit_interval_seconds,
            record_seconds=self._longest_work_seconds(),
            drain_seconds=runtime.drain_seconds,
        )

    def rows(self, role: Role, clock: Clock) -> RowStore:
        """Where a worker keeps its copy of its role's state."""
        directory = self.settings.runtime.state_directory
        return Rows() if directory is None else DiskRows(directory / role, clock, self.settings.kafka.partitions)

    def _longest_work_seconds(self) -> float:
        """Beyond every wait that a record may rightly take: a prompt's deadline, a registry that is down, consents that cannot be read."""
        deadlines = (purpose.max_deadline_seconds for purpose in self.policy.purposes.values())
        return max(*deadlines, REGISTRY_WAIT_SECONDS, FRESHNESS_GIVES_UP_MS / 1000) + MARGIN_SECONDS

    def kept_ms(self, topic: Topic) -> int | None:
        """How long a topic keeps its records; ``None``: for ever."""
        days = self._retention()[topic]
        return days * DAY_MS if days >= 0 else None

    def _retention(self) -> Mapping[Topic, int]:
        named = {Topic(name): days for name, days in self.policy.retention_days.items() if name in set(Topic)}
        found: dict[Topic, int] = {**RETENTION_DAYS, **named}
        # A lane is kept as long as the other; requests of batches are read again a day later.
        found.update({Topic(lane): found[topic] for lane, topic in SCHEMA_TOPICS.items() if lane != Topic.REQUESTS_BATCH})
        return found


def load(config: Path | None, environ: Mapping[str, str] | None = None) -> Installation:
    """Read settings, policy and schemas; raise ``ConfigError`` with every mistake, or ``SchemaRejected``."""
    settings = load_settings(config, os.environ if environ is None else environ)
    policy = load_policy(settings.policy_file)
    check_money(settings.egress.money, policy)
    return Installation(settings, policy, SchemaSet.load(settings.schemas.directory or packaged_schemas()))

"""The settings as one frozen value, and where each came from. Building it reads no environment and no file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import Field, PrivateAttr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from streamgate.config._sections import DeadLetters, Egress, Kafka, Notary, Runtime, Schemas, Telemetry, Vault

PREFIX: Final = "STREAMGATE_"
DELIMITER: Final = "__"


class Settings(BaseSettings):
    """Everything that can be set, apart from the policy."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    policy_file: Path = Field(
        default=Path("policy.toml"), description="The policy: tenants, purposes, bases, models, reply topics, retention."
    )
    kafka: Kafka = Field(default_factory=Kafka, description="How to reach Kafka, and how its topics are named.")
    schemas: Schemas = Field(default_factory=Schemas, description="Where schemas come from.")
    vault: Vault = Field(default_factory=Vault, description="The role that holds the keys.")
    egress: Egress = Field(default_factory=Egress, description="The role that has the way out.")
    notary: Notary = Field(default_factory=Notary, description="The role that signs the audit log.")
    dead_letters: DeadLetters = Field(default_factory=DeadLetters, description="To whom unprocessable records are sealed.")
    telemetry: Telemetry = Field(default_factory=Telemetry, description="Logs, metrics and health.")
    runtime: Runtime = Field(default_factory=Runtime, description="How a worker runs its agents.")

    _sources: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is passed in and nothing else: ``load`` merges the environment it was given over the file."""
        return (init_settings,)

    def source(self, path: str) -> str:
        """Where the setting came from: ``default``, ``file``, or the name of an environment variable."""
        return self._sources.get(path, "default")

    def with_sources(self, sources: Mapping[str, str]) -> Settings:
        """The same settings that know where they came from."""
        copy = self.model_copy()
        copy._sources = dict(sources)  # noqa: SLF001  a private attribute of the same class
        return copy

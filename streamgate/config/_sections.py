"""The sections of the settings. Each setting is documented by its own ``description``; units stand in the names.

A section checks what its settings mean together; what a role may and must have is checked by ``_roles``.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import NoDecode

from streamgate.config._grammar import Addresses, Json, Prefix, ProviderUrl, PublicKey, Seconds, Url
from streamgate.config._money import Money, Price, Prices
from streamgate.config._section import Section
from streamgate.types import DEFAULT_PROVIDER


class Kafka(Section):
    """How to reach Kafka, and how its topics are named."""

    bootstrap: Addresses = Field(default="127.0.0.1:9092", description="Brokers to start from: host:port, separated by commas.")
    security: Literal["plaintext", "tls", "sasl_tls"] = Field(
        default="plaintext",
        description="How the connection is protected. SASL without TLS is not offered: it would send the password in the clear.",
    )
    sasl_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(default="SCRAM-SHA-512", description="SASL mechanism, for sasl_tls.")
    sasl_user: str | None = Field(default=None, min_length=1, description="SASL user, for sasl_tls.")
    sasl_password: SecretStr | None = Field(default=None, description="SASL password, for sasl_tls; better in a file.")
    sasl_password_file: Path | None = Field(default=None, description="File that holds the SASL password.")
    tls_ca_file: Path | None = Field(default=None, description="PEM file of the authorities to trust; without it, the system's.")
    tls_certificate_file: Path | None = Field(default=None, description="PEM file of the client's certificate chain, for mutual TLS.")
    tls_key_file: Path | None = Field(default=None, description="PEM file of the client's private key, for mutual TLS.")
    prefix: Prefix = Field(default="streamgate.", description="Put before every topic name, transactional id and consumer group.")
    partitions: int = Field(
        default=12, ge=1, le=1000, description="Partitions of every topic. Pinned: a worker refuses to start on another count."
    )
    replication_factor: int = Field(
        default=3, ge=1, le=10, description="Copies of every topic that streamgate creates; 1 only on a single broker."
    )
    embedded: bool = Field(
        default=False,
        description="The broker is the embedded one: no transactions, no compaction. For the demo; promises 3, 5 and 6 are not kept.",
    )

    def mistakes(self) -> tuple[str, ...]:
        """SASL is complete or absent, and so is the client's certificate."""
        passwords = [self.sasl_password, self.sasl_password_file]
        given = [name for name in ("sasl_user", "sasl_password", "sasl_password_file") if getattr(self, name) is not None]
        files = [name for name in ("tls_ca_file", "tls_certificate_file", "tls_key_file") if getattr(self, name) is not None]
        found = []
        if self.security == "sasl_tls" and self.sasl_user is None:
            found.append("sasl_user: missing; sasl_tls needs a user")
        if self.security == "sasl_tls" and passwords.count(None) != 1:
            found.append("sasl_password_file: sasl_tls needs exactly one password; write sasl_password_file or sasl_password")
        if self.security != "sasl_tls":
            found += [f"{name}: has no effect without SASL; write security = 'sasl_tls' or remove it" for name in given]
        if self.security == "plaintext":
            found += [f"{name}: has no effect on plaintext; write security = 'tls' or remove it" for name in files]
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            found.append("tls_key_file: a certificate and its key belong together; write both files, or neither")
        return tuple(found)


class Schemas(Section):
    """Where schemas come from. What may be used is decided by the lock file, not by the place."""

    directory: Path | None = Field(
        default=None, description="Directory of the schemas and lock.json; without it, the schemas that streamgate ships."
    )
    registry_url: Url | None = Field(default=None, description="Schema registry (Confluent API), for producers that use its wire format.")
    registry_user: str | None = Field(default=None, description="User of the registry, for HTTP basic authentication.")
    registry_password: SecretStr | None = Field(default=None, description="Password of the registry; better in a file.")
    registry_password_file: Path | None = Field(default=None, description="File that holds the registry's password.")

    def mistakes(self) -> tuple[str, ...]:
        """Credentials have a registry, and a user has one password."""
        passwords = [self.registry_password, self.registry_password_file]
        found = []
        if self.registry_url is None and (self.registry_user is not None or any(passwords)):
            found.append("registry_url: missing; registry credentials need a registry")
        if passwords.count(None) != (2 if self.registry_user is None else 1):
            found.append("registry_password_file: a user needs exactly one password; write registry_user and one password, or neither")
        return tuple(found)


class Limits(Section):
    """How large a prompt may be."""

    prompt_bytes: int = Field(default=262_144, ge=1, le=16_777_216, description="Largest prompt, all texts together, in bytes of UTF-8.")
    messages: int = Field(default=256, ge=1, le=10_000, description="Most messages in one prompt.")


class Vault(Section):
    """The role that holds the keys."""

    key_file: Path | None = Field(default=None, description="Key file of the KMS root (`streamgate init`). Only for the role vault.")
    detector_workers: int = Field(default=2, ge=1, le=256, description="Processes that look for personal data.")
    detector_timeout_seconds: Seconds = Field(
        default=10.0, description="Without a result for so long the detector counts as down, and the prompt waits."
    )
    tenant_interactive_requests: int = Field(
        default=64,
        ge=1,
        le=100_000,
        description="Most requests of one tenant in the interactive lane, for each worker; more go by bulk.",
    )
    limits: Limits = Field(default_factory=Limits, description="How large a prompt may be.")


class Budget(Section):
    """What one model may be asked for, over all replicas."""

    requests_per_minute: int = Field(default=500, ge=1, description="Calls per minute.")
    tokens_per_minute: int = Field(default=200_000, ge=1, description="Tokens per minute, prompts and answers together.")


Budgets = Annotated[dict[str, Budget], NoDecode, Json]


class ProviderAccess(Section):
    """How egress reaches a provider that the policy names, beside the default one."""

    base_url: ProviderUrl = Field(description="Base URL of an API compatible with OpenAI's.")
    api_key_file: Path | None = Field(default=None, description="File that holds the API key. Only for the role egress.")
    ca_file: Path | None = Field(default=None, description="PEM file of the authorities that may vouch for base_url.")


Providers = Annotated[dict[str, ProviderAccess], NoDecode, Json]


class Batch(Section):
    """Prompts marked for the provider's batches, where the policy allows them."""

    longest_wait_seconds: Seconds = Field(default=300.0, description="Longest time that a request waits for others to make a batch with.")
    most_requests: int = Field(default=1_000, ge=1, le=5_000, description="Most requests in one batch.")
    most_bytes: int = Field(
        default=20_000_000, ge=1_000_000, le=100_000_000, description="Largest batch, all requests together, in bytes; held in memory once."
    )
    poll_seconds: Seconds = Field(
        default=30.0, description="Shortest time between two looks at a batch, and before what failed is tried again."
    )
    transfer_seconds: Seconds = Field(default=300.0, description="Longest time for a file to go to the provider or to come back.")


class Egress(Section):
    """The role that has the way out."""

    base_url: ProviderUrl | None = Field(default=None, description="Base URL of an API compatible with OpenAI's; without it, OpenAI's own.")
    api_key: SecretStr | None = Field(default=None, description="API key of the provider; better in a file. Only for the role egress.")
    api_key_file: Path | None = Field(default=None, description="File that holds the API key. Only for the role egress.")
    budgets: Budgets = Field(
        default_factory=dict,
        description="Budget by model, as the policy names it (model, or provider/model); in the environment one JSON object.",
    )
    call_timeout_seconds: Seconds = Field(default=60.0, description="Longest time for one call of the provider.")
    max_attempts: int = Field(default=4, ge=1, le=20, description="Most calls for one prompt, the first included.")
    trust_env: bool = Field(
        default=False, description="Whether HTTPS_PROXY, SSL_CERT_FILE and the like are heeded. Off: calls go straight."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of the authorities that may vouch for base_url; without it, those of the system."
    )
    providers: Providers = Field(
        default_factory=dict,
        description="By name in the policy, the other providers: base_url, api_key_file, ca_file; in the environment one JSON object.",
    )
    tenant_budgets: Budgets = Field(default_factory=dict, description="Budget by tenant, over all models; a tenant not named has none.")
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$", description="Currency of all prices and budgets of money (ISO 4217).")
    prices: Prices = Field(default_factory=dict, description="Price by model name: input and output, each for a million tokens.")
    default_price: Annotated[Price | None, NoDecode, Json] = Field(
        default=None, description="Price of every model that prices does not name; budgets of money need it."
    )
    batch_discount: Decimal = Field(
        default=Decimal("0.5"), ge=0, le=1, decimal_places=2, description="Part of the price that calls by the Batch API save."
    )
    batch: Batch = Field(default_factory=Batch, description="Prompts marked for the provider's batches.")
    default_budget: Budget = Field(default_factory=Budget, description="Budget of every model that budgets does not name.")
    money: Money = Field(default_factory=Money, description="Budgets of money.")

    def mistakes(self) -> tuple[str, ...]:
        """One API key at most, one place for the default provider, and no budget of money without prices: a call could cost nothing."""
        found = []
        if self.api_key is not None and self.api_key_file is not None:
            found.append("api_key_file: two API keys; write api_key_file or api_key")
        if DEFAULT_PROVIDER in self.providers:
            found.append(f"providers.{DEFAULT_PROVIDER}: is reached by egress.base_url and egress.api_key_file; write them there")
        if (self.money.tenants or self.money.purposes) and self.default_price is None:
            found.append("default_price: missing; budgets of money need a price for every model: write the highest one that you pay")
        return tuple(found)


class Notary(Section):
    """The role that chains and signs the audit log."""

    signing_key_file: Path | None = Field(default=None, description="Ed25519 signing key (`streamgate init`). Only for the role notary.")


class DeadLetters(Section):
    """To whom records are sealed that could not be processed."""

    public_key: PublicKey | None = Field(default=None, description="X25519 public key in base64; only vault can open what is sealed to it.")
    public_key_file: Path | None = Field(default=None, description="File that holds the public key in base64.")
    epoch: int = Field(default=1, ge=0, le=2_147_483_647, description="Number of the key, written beside each dead letter.")

    def mistakes(self) -> tuple[str, ...]:
        """One public key at most."""
        both = self.public_key is not None and self.public_key_file is not None
        return ("public_key_file: two public keys; write public_key_file or public_key",) if both else ()


class Telemetry(Section):
    """Logs, metrics and health."""

    log_format: Literal["json", "console"] = Field(default="json", description="json for machines, console for people.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level of streamgate's own log lines."
    )
    metrics_host: str = Field(
        default="127.0.0.1", min_length=1, description="Address of /metrics, /healthz and /readyz; 0.0.0.0 in a container."
    )
    metrics_port: int = Field(default=9464, ge=0, le=65_535, description="Port of /metrics, /healthz and /readyz; 0 takes a free one.")


class Runtime(Section):
    """How a worker runs its agents."""

    pool: int = Field(default=64, ge=1, le=10_000, description="Records in progress at once, over all partitions of a worker.")
    commit_interval_seconds: Seconds = Field(default=0.5, description="Time between commits of input offsets.")
    drain_seconds: Seconds = Field(default=5.0, description="Time for records in progress when partitions are revoked or the worker stops.")
    state_directory: Path | None = Field(
        default=None,
        description="Directory of this worker alone, for its copy of its state (RocksDB). Without it the state is held in memory.",
    )

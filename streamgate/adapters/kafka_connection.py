"""How to reach Kafka: one value shared by every client, whether Faust's or our own. Holds a password, so its repr shows the place only."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from streamgate.errors import ConfigError

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
_LOCAL: Final = frozenset({"localhost", ""})


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class KafkaConnection:
    """Brokers, transport security and credentials."""

    bootstrap: str
    """``host:port``, several separated by commas."""
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism | None = None
    sasl_username: str | None = None
    sasl_password: str | None = None
    tls_ca: Path | None = None
    """PEM file of the authorities that may sign the brokers' certificates; ``None`` trusts the system's."""
    tls_certificate: Path | None = None
    """PEM file of this client's certificate chain, for mutual TLS."""
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what would be insecure or incomplete, at start and not at the first connection."""
        problems: list[str] = []
        if not self.servers():
            problems.append("kafka.bootstrap: empty, write host:port")
        if self._sasl and not (self.sasl_mechanism and self.sasl_username and self.sasl_password):
            problems.append("kafka.sasl_*: SASL needs mechanism, user name and password")
        if self.security_protocol == "SASL_PLAINTEXT" and not all(_is_loopback(server) for server in self.servers()):
            problems.append("kafka.security_protocol: SASL_PLAINTEXT sends the password in the clear; use SASL_SSL")
        if (self.tls_certificate is None) != (self.tls_key is None):
            problems.append("kafka.tls_certificate, kafka.tls_key: set both or neither")
        if problems:
            raise ConfigError(tuple(problems))

    @property
    def _sasl(self) -> bool:
        return self.security_protocol.startswith("SASL")

    @property
    def encrypted(self) -> bool:
        """Whether the transport is TLS."""
        return self.security_protocol in {"SSL", "SASL_SSL"}

    def servers(self) -> list[str]:
        """The bootstrap servers, one by one."""
        return [server.strip() for server in self.bootstrap.split(",") if server.strip()]

    def ssl_context(self) -> ssl.SSLContext | None:
        """A context that checks certificate and host name; ``None`` without TLS."""
        if not self.encrypted:
            return None
        context = ssl.create_default_context(cafile=str(self.tls_ca) if self.tls_ca else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.tls_certificate is not None and self.tls_key is not None:
            context.load_cert_chain(str(self.tls_certificate), str(self.tls_key))
        return context

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments for any aiokafka client."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.servers(),
            "security_protocol": self.security_protocol,
            "ssl_context": self.ssl_context(),
        }
        if self._sasl:
            options |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self.sasl_password,
            }
        return options

    def __repr__(self) -> str:
        """Show no credentials."""
        return f"KafkaConnection({self.bootstrap!r}, {self.security_protocol})"


def _is_loopback(server: str) -> bool:
    host = server.rpartition(":")[0].strip("[]")
    if host in _LOCAL:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

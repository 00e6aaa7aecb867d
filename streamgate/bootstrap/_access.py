"""How egress reaches each provider that there are credentials for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamgate.bootstrap._installation import Installation
from streamgate.config import check_access, read_secret
from streamgate.errors import ConfigError
from streamgate.types import DEFAULT_PROVIDER


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """Of one provider. Holds its key, so its ``repr`` shows none of it."""

    key: str | None
    base_url: str | None
    ca_file: Path | None
    trust_env: bool

    def options(self) -> dict[str, Any]:
        """What ``OpenAIChat`` and ``OpenAIBatch`` take."""
        key = "none" if self.key is None else self.key
        return {"api_key": key, "base_url": self.base_url, "ca_file": self.ca_file, "trust_env": self.trust_env}


def accesses(installation: Installation) -> dict[str, Access]:
    """By name. The policy may name more providers: these are skipped, and counted."""
    settings = installation.settings.egress
    check_access(settings.providers, installation.policy.providers)
    found: dict[str, Access] = {}
    for name, each in settings.providers.items():
        key = read_secret(None, each.api_key_file, f"egress.providers.{name}.api_key_file")
        found[name] = Access(None if key is None else key.get_secret_value(), each.base_url, each.ca_file, settings.trust_env)
    key = read_secret(settings.api_key, settings.api_key_file, "egress.api_key_file")
    if key is not None or settings.base_url is not None:
        own = None if key is None else key.get_secret_value()
        found[DEFAULT_PROVIDER] = Access(own, settings.base_url, settings.ca_file, settings.trust_env)
    if not found:
        raise ConfigError(("egress.api_key_file: missing; name the file of the API key, or set egress.base_url",))
    return found

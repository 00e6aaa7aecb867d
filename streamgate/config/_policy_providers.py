"""What of the policy file concerns providers: each model lies with one that is named, and within what its purpose allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from streamgate.config._problems import unknown
from streamgate.errors import ConfigError
from streamgate.types import DEFAULT_PROVIDER, ModelRef


class _Provider(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def residency(self) -> str: ...

    @property
    def abuse_log_days(self) -> int: ...


class _Purpose(Protocol):
    @property
    def models(self) -> tuple[str, ...]: ...

    @property
    def fallbacks(self) -> tuple[str, ...]: ...

    @property
    def residency(self) -> tuple[str, ...]: ...

    @property
    def max_abuse_log_days(self) -> int | None: ...

    @property
    def recipients(self) -> tuple[str, ...] | None: ...


class _File(Protocol):
    @property
    def providers(self) -> Mapping[str, _Provider]: ...

    @property
    def purposes(self) -> Mapping[str, _Purpose]: ...


def provider_mistakes(file: _File) -> Iterator[str]:
    """Every mistake about providers, models and fallbacks."""
    if DEFAULT_PROVIDER not in file.providers:
        yield f"providers.{DEFAULT_PROVIDER}: missing; it is the provider of the models that are named without one"
    for name, purpose in file.purposes.items():
        for field, models in (("models", purpose.models), ("fallbacks", purpose.fallbacks)):
            for at, model in enumerate(models):
                yield from _of_model(f"purposes.{name}.{field}.{at}", ModelRef.parse(model).provider, purpose, file)
        yield from _recipients(f"purposes.{name}.recipients", purpose, file)
        for at, model in enumerate(purpose.fallbacks):
            if purpose.models == (model,):
                yield f"purposes.{name}.fallbacks.{at}: it is the purpose's only model; name another, or remove it"


def check_access(access: Mapping[str, object], providers: Mapping[str, object]) -> None:
    """Raise ``ConfigError`` where ``egress.providers`` names one that the policy does not: it would never be called."""
    found = tuple(unknown(f"egress.providers.{name}", name, providers) for name in access if name not in providers)
    if found:
        raise ConfigError(found)


def _of_model(place: str, provider: str, purpose: _Purpose, file: _File) -> Iterator[str]:
    known = file.providers.get(provider)
    if known is None:
        if provider != DEFAULT_PROVIDER:
            yield unknown(place, provider, file.providers)
        return
    if purpose.residency and known.residency not in purpose.residency:
        allowed = ", ".join(purpose.residency)
        yield f"{place}: the provider {provider} processes in {known.residency}, the purpose allows {allowed}; name another model"
    if purpose.max_abuse_log_days is not None and known.abuse_log_days > purpose.max_abuse_log_days:
        kept, most = known.abuse_log_days, purpose.max_abuse_log_days
        yield f"{place}: the provider {provider} keeps prompts for {kept} days, the purpose allows {most}; name another model"


def _recipients(place: str, purpose: _Purpose, file: _File) -> Iterator[str]:
    if purpose.recipients is None:
        return
    providers = dict.fromkeys(ModelRef.parse(model).provider for model in (*purpose.models, *purpose.fallbacks))
    for provider in providers:
        known = file.providers.get(provider)
        if known is not None and known.name not in purpose.recipients:
            yield f"{place}: a provider is missing, which may get minimised prompts (Art. 13(1)(e)): add providers.{provider}.name"

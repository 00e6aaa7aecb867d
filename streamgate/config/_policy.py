"""Read the policy file: tenants, purposes, bases, models, reply topics, retention. What it does not name is denied.

The models here are the file's grammar; what the rest of streamgate sees are the values of ``streamgate.consent``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from streamgate.config._load import parse_toml, read_toml
from streamgate.config._policy_providers import provider_mistakes
from streamgate.config._problems import problems, unknown
from streamgate.consent import Basis, Controller, Policy, Provider, Purpose, Tenant, policy_version
from streamgate.errors import ConfigError
from streamgate.types import ModelRef, Topic

RETENTION_DAYS: Final[Mapping[str, int]] = {
    "prompts": 1,
    "requests": 1,
    "completions": 1,
    "responses": 7,
    "consents": 7,
    "subject-requests": 7,
    "subject-results": 7,
    "dead-letters": 14,
    "operator-requests": 7,
    "audit-events": 7,
    "audit": 1095,
}
_RESERVED: Final = frozenset({*Topic, "prompts.bulk", "ticks", "budget", "alerts", "state"}) - {Topic.RESPONSES}
_RESERVED_PREFIXES: Final = ("state.", "vault-", "egress-", "notary-")  # state, changelogs and retries of the roles
_TOPIC: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,149}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _reply_topic(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        raise ValueError("not a valid topic name; write letters, digits, '.', '_' and '-' only, at most 149")
    if value in _RESERVED or value.startswith(_RESERVED_PREFIXES):
        raise ValueError("a topic of streamgate's own; write responses, or a name it does not use")
    return value


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("a name stands twice; write each once")
    return values


def _purpose_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("not a purpose name; write lower-case letters, digits and '-', at most 64")
    return value


def _retained_topic(value: str) -> str:
    if value not in RETENTION_DAYS:
        raise ValueError(f"not a topic with a retention; write one of {', '.join(RETENTION_DAYS)}")
    return value


def _model_name(value: str) -> str:
    ref = ModelRef.parse(value)
    if not ref.provider or not ref.model:
        raise ValueError("not the name of a model; write model, or provider/model")
    return ref.name


def _provider_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("not a provider name; write lower-case letters, digits and '-', at most 64")
    return value


def _tenant_name(value: str) -> str:
    if not _TENANT.fullmatch(value):
        raise ValueError("not a tenant name; write letters, digits, '.', '_' and '-', at most 64")
    return value


Text = Annotated[str, Field(min_length=1, max_length=2000)]
Names = Annotated[tuple[Text, ...], Field(min_length=1), AfterValidator(_unique)]
Models = Annotated[tuple[Annotated[Text, AfterValidator(_model_name)], ...], AfterValidator(_unique)]
Residency = Annotated[str, Field(pattern=r"^[A-Z][A-Z-]{0,15}$")]
ReplyTopic = Annotated[str, AfterValidator(_reply_topic)]
Days = Annotated[int, Field(ge=0, le=36_500)]
TopicDays = Annotated[int, Field(ge=1, le=36_500)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
BATCH_FILE_DAYS: Final = 3
"""After which a provider deletes files of batches by itself (``adapters/openai_batch``)."""
BatchSeconds = Annotated[float, Field(gt=0, le=172_800)]
"""Below what requests.batch keeps its records for, by a day."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Controller(_Part):
    name: Text
    contact: Text
    dpo_contact: Text
    complaint_authority: Text


class _Provider(_Part):
    name: Text
    location: Text
    transfer_mechanism: Text
    abuse_log_days: Days
    residency: Residency


class _Tenant(_Part):
    reply_topics: Annotated[tuple[ReplyTopic, ...], Field(min_length=1), AfterValidator(_unique)] = ("responses",)


class _Purpose(_Part):
    basis: Basis
    description: Text
    tenants: Annotated[tuple[Text, ...], AfterValidator(_unique)] = ()
    models: Annotated[Models, Field(min_length=1)]
    fallbacks: Models = ()
    residency: Annotated[tuple[Residency, ...], AfterValidator(_unique)] = ()
    max_abuse_log_days: Days | None = None
    recipients: Names | None = None
    retention_days: Days
    deadline_seconds: Seconds = 120.0
    max_deadline_seconds: Seconds = 900.0
    batch: bool = False
    batch_deadline_seconds: BatchSeconds = 93_600.0
    special_categories: bool = False
    special_category_condition: Literal["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] | None = None
    objection_allowed: bool | None = None


class _File(_Part):
    controller: _Controller
    providers: dict[Annotated[str, AfterValidator(_provider_name)], _Provider]
    retention_days: dict[Annotated[str, AfterValidator(_retained_topic)], TopicDays] = Field(default_factory=dict)
    tenants: dict[Annotated[str, AfterValidator(_tenant_name)], _Tenant] = Field(default_factory=dict)
    purposes: dict[Annotated[str, AfterValidator(_purpose_name)], _Purpose] = Field(default_factory=dict)


def load_policy(source: Path | str) -> Policy:
    """The policy from a file (``Path``) or from TOML text (``str``); raise ``ConfigError`` with every mistake."""
    document = read_toml(source) if isinstance(source, Path) else parse_toml(source.encode(), "policy")
    tenants = document.get("tenants", {})
    known = tuple(tenants) if isinstance(tenants, dict) else ()
    try:
        file = _File(**document)
    except ValidationError as error:
        raise ConfigError((*problems(error, _File, {}), *_strangers(document, known))) from None
    mistakes = (line for name, purpose in file.purposes.items() for line in _mistakes(name, purpose))
    found = (*_strangers(document, known), *mistakes, *provider_mistakes(file))
    if found:
        raise ConfigError(found)
    return _policy(file, policy_version(document))


def _strangers(document: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[str]:
    purposes = document.get("purposes")
    for name, purpose in purposes.items() if isinstance(purposes, dict) else ():
        listed = purpose.get("tenants") if isinstance(purpose, dict) else None
        for at, tenant in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(tenant, str) and tenant not in known:
                yield unknown(f"purposes.{name}.tenants.{at}", tenant, known)


def _mistakes(name: str, purpose: _Purpose) -> Iterator[str]:
    place = f"purposes.{name}"
    if purpose.batch and purpose.max_abuse_log_days is not None and purpose.max_abuse_log_days < BATCH_FILE_DAYS:
        yield f"{place}.batch: a provider may hold files for {BATCH_FILE_DAYS} days, max_abuse_log_days allows fewer; remove one"
    if purpose.max_deadline_seconds < purpose.deadline_seconds:
        yield f"{place}.max_deadline_seconds: below deadline_seconds; write at least deadline_seconds"
    if purpose.objection_allowed is False and purpose.basis.objection_by_law:
        yield f"{place}.objection_allowed: {purpose.basis.article} can always be stopped (Art. 7(3), 21); remove it"
    if purpose.special_categories and purpose.special_category_condition is None:
        yield f"{place}.special_category_condition: missing; write the letter of GDPR Art. 9(2) that allows special categories, a to j"
    if not purpose.special_categories and purpose.special_category_condition is not None:
        yield f"{place}.special_category_condition: has no effect; write special_categories = true or remove it"
    if purpose.special_category_condition == "a" and purpose.basis is not Basis.CONSENT:
        yield f"{place}.special_category_condition: explicit consent is asked for under basis 'consent' alone; write that basis"


def _policy(file: _File, version: str) -> Policy:
    return Policy(
        version=version,
        tenants={name: Tenant(name, tenant.reply_topics) for name, tenant in file.tenants.items()},
        purposes={name: _purpose(name, purpose, file.providers) for name, purpose in file.purposes.items()},
        controller=Controller(**file.controller.model_dump()),
        providers={name: Provider(**provider.model_dump()) for name, provider in file.providers.items()},
        retention_days={**RETENTION_DAYS, **file.retention_days},
    )


def _purpose(name: str, purpose: _Purpose, providers: Mapping[str, _Provider]) -> Purpose:
    made = Purpose(**{**purpose.model_dump(), "name": name, "recipients": purpose.recipients or ()})
    named = tuple(dict.fromkeys(providers[each].name for each in made.providers))
    return replace(made, recipients=purpose.recipients or named)

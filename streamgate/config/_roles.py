"""What a role must have and must not have: no process holds both the keys and the way out.

========== ================================= ==========================================
role       needs                             must not be given
========== ================================= ==========================================
vault      vault.key_file                    provider credentials, the signing key
egress     an API key or a base URL, the     the key file, the signing key
           dead-letter public key
notary     the signing key, the dead-letter  the key file, provider credentials
           public key
========== ================================= ==========================================

Given means set at all: a path that this process cannot read today may be readable tomorrow. The demo runs every role in one
process, so it does not ask; it says so instead.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from streamgate.config._settings import Settings
from streamgate.errors import ConfigError
from streamgate.types import Role

_OTHERS_MAY: Final = stat.S_IRWXO
_KEYS: Final = "vault.key_file"
_CREDENTIALS: Final = ("egress.api_key", "egress.api_key_file")
_SIGNING: Final = "notary.signing_key_file"
_FORBIDDEN: Final = {
    Role.VAULT: (*_CREDENTIALS, _SIGNING),
    Role.EGRESS: (_KEYS, _SIGNING),
    Role.NOTARY: (_KEYS, *_CREDENTIALS),
}
_FILES: Final = (
    "kafka.sasl_password_file",
    "kafka.tls_ca_file",
    "kafka.tls_certificate_file",
    "kafka.tls_key_file",
    "schemas.registry_password_file",
    "dead_letters.public_key_file",
    "egress.ca_file",
)
_OWNERS: Final = {_KEYS: Role.VAULT, _SIGNING: Role.NOTARY, "egress.api_key": Role.EGRESS, "egress.api_key_file": Role.EGRESS}


def check_role(settings: Settings, role: Role) -> None:
    """Raise ``ConfigError`` with everything that ``role`` lacks or must not hold."""
    found = (*_held(settings, role), *_lacking(settings, role), *_unreadable(settings, role))
    if found:
        raise ConfigError(found)


def _value(settings: Settings, path: str) -> object:
    section, name = path.split(".")
    return getattr(getattr(settings, section), name)


def _held(settings: Settings, role: Role) -> Iterator[str]:
    for path in _FORBIDDEN[role]:
        if _value(settings, path) is not None:
            yield f"{path}: the role {role} must not hold it; set it only for the role {_OWNERS[path]}"
    if role is not Role.EGRESS:
        for path, _ in _provider_files(settings, "api_key_file"):
            yield f"{path}: the role {role} must not hold it; set egress.providers only for the role {Role.EGRESS}"


def _lacking(settings: Settings, role: Role) -> Iterator[str]:
    if role is Role.VAULT and settings.vault.key_file is None:
        yield f"{_KEYS}: missing; run `streamgate init` and name the file"
    if role is Role.EGRESS and not _reaches_a_provider(settings):
        yield "egress.api_key_file: missing; name the file of the API key, or set egress.base_url for a server that needs none"
    if role is Role.NOTARY and settings.notary.signing_key_file is None:
        yield f"{_SIGNING}: missing; run `streamgate init` and name the file"
    if role is not Role.VAULT and settings.dead_letters.public_key is None and settings.dead_letters.public_key_file is None:
        yield "dead_letters.public_key_file: missing; name the file with the vault's dead-letter public key"


def _reaches_a_provider(settings: Settings) -> bool:
    return settings.egress.base_url is not None or any(_value(settings, path) for path in _CREDENTIALS) or bool(settings.egress.providers)


def _provider_files(settings: Settings, name: str) -> Iterator[tuple[str, Path]]:
    for provider, access in settings.egress.providers.items():
        file = getattr(access, name)
        if file is not None:
            yield f"egress.providers.{provider}.{name}", file


def _files(settings: Settings, role: Role) -> Iterator[tuple[str, Path, bool]]:
    """Each file that the role reads, and whether it is secret."""
    for path in (_KEYS, _SIGNING, "egress.api_key_file", *_FILES):
        file = _value(settings, path)
        if isinstance(file, Path) and _OWNERS.get(path, role) is role:
            yield path, file, path in _OWNERS
    if role is Role.EGRESS:
        yield from ((path, file, True) for path, file in _provider_files(settings, "api_key_file"))
        yield from ((path, file, False) for path, file in _provider_files(settings, "ca_file"))


def _unreadable(settings: Settings, role: Role) -> Iterator[str]:
    for path, file, secret in _files(settings, role):
        try:
            mode = file.stat().st_mode
            with file.open("rb"):
                pass
        except OSError as error:
            yield f"{path}: cannot be read ({error.strerror}); check the path and its rights"
            continue
        if secret and mode & _OTHERS_MAY:
            yield f"{path}: every user of the machine can read it; run chmod o-rwx on it"

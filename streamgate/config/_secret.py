"""Secrets that may stand in a setting or in a file."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from streamgate.errors import ConfigError


def read_secret(value: SecretStr | None, file: Path | None, place: str) -> SecretStr | None:
    """The secret, from the setting or from the file without the white space around it; ``None`` where neither is set.

    ``place`` names the setting of the file. Raise ``ConfigError`` where the file cannot be read or is empty.
    """
    if value is not None or file is None:
        return value
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError((f"{place}: the file cannot be read as text; check its path and its rights",)) from None
    if not text:
        raise ConfigError((f"{place}: the file is empty; write the secret into it",))
    return SecretStr(text)

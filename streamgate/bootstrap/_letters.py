"""Dead letters of the roles that hold only the public key."""

from __future__ import annotations

import base64

from streamgate.bootstrap._installation import Installation
from streamgate.errors import ConfigError
from streamgate.pipeline._letters import DeadLetters
from streamgate.pipeline._publish import AuditWriter
from streamgate.types import Topic
from streamgate.vault import DeadLetterSealer


def dead_letters(installation: Installation, audit: AuditWriter) -> DeadLetters:
    """Sealed to vault's public key."""
    settings = installation.settings.dead_letters
    encoded = settings.public_key
    if encoded is None and settings.public_key_file is not None:
        encoded = settings.public_key_file.read_text(encoding="ascii").strip()
    if encoded is None:
        raise ConfigError(("dead_letters.public_key_file: missing; name the file with the vault's dead-letter public key",))
    sealer = DeadLetterSealer(settings.epoch, base64.b64decode(encoded))
    return DeadLetters(installation.schemas.latest(Topic.DEAD_LETTERS), sealer, audit)

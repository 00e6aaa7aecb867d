"""What a request carries for its own way back, sealed under the subject's key.

Persisted form, before sealing: version byte 1, then JSON (UTF-8, sorted keys) with the token map in base64.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from streamgate.errors import SealBroken

VERSION: Final = b"\x01"


@dataclass(frozen=True, slots=True, repr=False)
class RequestContext:
    """Vault trusts this on the way back, and nothing else of a completion's origin."""

    event_id: str
    subject_id: str
    token_map: bytes
    carried: Mapping[str, str]

    def __repr__(self) -> str:
        """Show sizes only."""
        return f"RequestContext({len(self.token_map)} bytes of token map)"

    def to_bytes(self) -> bytes:
        """The form that is sealed."""
        fields = {
            "event_id": self.event_id,
            "subject_id": self.subject_id,
            "token_map": base64.b64encode(self.token_map).decode(),
            "carried": dict(self.carried),
        }
        return VERSION + json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> RequestContext:
        """Read it back; raise ``SealBroken`` for an unknown version."""
        if data[:1] != VERSION:
            raise SealBroken("context version")
        fields = json.loads(data[1:])
        return cls(fields["event_id"], fields["subject_id"], base64.b64decode(fields["token_map"]), fields["carried"])

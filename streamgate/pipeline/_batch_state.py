"""Egress's rows about batches.

====== =========================== ========================================================================
prefix key                         value
====== =========================== ========================================================================
``W``  offset (8)                  a request that waits for a batch: where it stands on ``requests.batch``
``M``  own id (16), request id     the same, of a request that a batch holds
``B``  own id                      a batch
====== =========================== ========================================================================

All other prefixes are in ``_egress_state``. Persisted forms: version byte 1, then, of a request, its id (16), offset, deadline and arrival
(8 each, ms), size (4), all big-endian, and the model in UTF-8; of a batch, JSON (sorted keys, no blanks). No row holds a text: a request is
read again from where it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum, unique
from typing import Final

from streamgate.pipeline.ports.stage import StateView
from streamgate.provider import BatchStatus

VERSION: Final = b"\x01"
OWN_ID_BYTES: Final = 16


@unique
class Phase(StrEnum):
    """Where a batch stands. What each means after a crash is in ``_batch_steps``."""

    FORMED = "formed"
    """Its requests are its own. A file may have been uploaded where ``uploads`` is not 0."""
    UPLOADED = "uploaded"
    """The file is known, and the provider may have been asked to create the batch."""
    RUNNING = "running"
    """The provider's own id of it is known."""
    ENDED = "ended"
    """The provider has ended it; results are being published."""
    DELETING = "deleting"
    """Every request has ended; files are being deleted."""
    WATCHED = "watched"
    """No known file is left. Something of an earlier attempt may yet appear, so it is looked for once more."""


MOVES: Final[dict[Phase, frozenset[Phase]]] = {
    Phase.FORMED: frozenset({Phase.FORMED, Phase.UPLOADED, Phase.DELETING}),
    Phase.UPLOADED: frozenset({Phase.FORMED, Phase.UPLOADED, Phase.RUNNING, Phase.DELETING}),
    Phase.RUNNING: frozenset({Phase.ENDED}),
    Phase.ENDED: frozenset({Phase.DELETING}),
    Phase.DELETING: frozenset({Phase.WATCHED}),
    Phase.WATCHED: frozenset(),
}
"""Every move there is; the row goes away in the last two phases."""


@dataclass(frozen=True, slots=True)
class Place:
    """A request of ``requests.batch``, without anything that it says."""

    request_id: bytes
    offset: int
    deadline_ms: int
    since_ms: int
    """When it was taken in, or put back."""
    size: int
    """Bytes of its record."""
    model: str

    def to_bytes(self) -> bytes:
        """The persisted form."""
        numbers = b"".join(number.to_bytes(8, "big") for number in (self.offset, self.deadline_ms, self.since_ms))
        return VERSION + self.request_id + numbers + self.size.to_bytes(4, "big") + self.model.encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Place:
        """Read it back; raise ``ValueError`` for an unknown version."""
        if data[:1] != VERSION:
            raise ValueError("waiting request: unknown version")
        offset, deadline, since = (int.from_bytes(data[at : at + 8], "big") for at in (17, 25, 33))
        return cls(data[1:17], offset, deadline, since, int.from_bytes(data[41:45], "big"), data[45:].decode())


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of requests of one model."""

    own_id: bytes
    """Minted before anything goes out; the provider is told it as the batch's name."""
    phase: Phase
    model: str
    formed_ms: int
    uploads: int = 0
    """Uploads begun."""
    creates: int = 0
    """Creations begun; each may have been carried out and paid."""
    doubtful: bool = False
    """An attempt was cut off: a file or a batch may exist that this row does not name."""
    input_file: str | None = None
    batch_id: str | None = None
    status: BatchStatus = BatchStatus.RUNNING
    output_file: str | None = None
    error_file: str | None = None
    watch_until_ms: int = 0

    @property
    def name(self) -> str:
        """What the provider knows it by."""
        return f"streamgate-{self.own_id.hex()}"

    @property
    def files(self) -> tuple[str, ...]:
        """Files that are known and not known to be deleted."""
        return tuple(file for file in (self.input_file, self.output_file, self.error_file) if file is not None)

    def to_bytes(self) -> bytes:
        """The persisted form; the id is in the row's key."""
        fields = asdict(self)
        del fields["own_id"]
        return VERSION + json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, own_id: bytes, data: bytes) -> Batch:
        """Read it back; raise ``ValueError`` for an unknown version."""
        if data[:1] != VERSION:
            raise ValueError("batch: unknown version")
        fields = json.loads(data[1:])
        return cls(own_id, **fields | {"phase": Phase(fields["phase"]), "status": BatchStatus(fields["status"])})


@dataclass(frozen=True, slots=True)
class BatchState:
    """Reads rows of one partition."""

    view: StateView

    def waiting(self) -> Iterator[Place]:
        """Requests that wait, the oldest place first."""
        return (Place.from_bytes(value) for _, value in self.view.scan(b"W"))

    def members(self, own_id: bytes) -> tuple[Place, ...]:
        """Requests of a batch that have not ended, in the order of their places."""
        found = (Place.from_bytes(value) for _, value in self.view.scan(b"M" + own_id))
        return tuple(sorted(found, key=lambda place: place.offset))

    def batches(self) -> tuple[Batch, ...]:
        """Every batch."""
        return tuple(Batch.from_bytes(key[1:], value) for key, value in self.view.scan(b"B"))

    def batch(self, own_id: bytes) -> Batch | None:
        """One of them."""
        data = self.view.get(batch_key(own_id))
        return None if data is None else Batch.from_bytes(own_id, data)


def waiting_key(place: Place) -> bytes:
    """Key of a waiting request's row."""
    return b"W" + place.offset.to_bytes(8, "big")


def member_key(own_id: bytes, request_id: bytes) -> bytes:
    """Key of the row of a request that a batch holds."""
    return b"M" + own_id + request_id


def batch_key(own_id: bytes) -> bytes:
    """Key of a batch's row."""
    return b"B" + own_id

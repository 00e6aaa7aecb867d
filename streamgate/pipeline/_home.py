"""Where a data subject's rows belong: the hash of their record key, from which any partition count gives their partition.

Persisted form, at the head of an enrolment's and a consents' row: byte 0x80, hash (4, big-endian), then the row's own form, which begins
with a version and so never with 0x80. Rows of before have no such head. The hash is no secret beside its row: whoever can open that can
also compute the row's key for any subject.
"""

from __future__ import annotations

from typing import Final

from streamgate.errors import SealBroken
from streamgate.pipeline._screen import home_of
from streamgate.types import Subject

_HEAD: Final = b"\x80"
_BYTES: Final = 5


def with_home(home: int | None, value: bytes) -> bytes:
    """The row's form behind its home, where that is known."""
    return value if home is None else _HEAD + home.to_bytes(_BYTES - 1, "big") + value


def home_and_rest(data: bytes) -> tuple[int | None, bytes]:
    """The home, where the row says it, and the row's own form; raise ``SealBroken`` for a head that was cut off."""
    if data[:1] != _HEAD:
        return None, data
    if len(data) < _BYTES:
        raise SealBroken("home")
    return int.from_bytes(data[1:_BYTES], "big"), data[_BYTES:]


def home_of_subject(subject: Subject) -> int:
    """The hash of the key of everything that is about the subject."""
    return home_of(subject.key())

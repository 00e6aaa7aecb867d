"""Key-encryption keys in a JSON file that only its owner may read. Implements ``streamgate.vault.Kms``.

File, version 1: ``{"version": 1, "root": base64(32), "keks": {"<epoch>": base64(32), …}}``; the highest epoch is the current one.
Wrapped key, version 1: ``01 ‖ epoch (4, big-endian) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`` by AES-256-GCM-SIV. From each KEK two keys
are derived (HKDF-SHA256): one wraps, one is the X25519 private key of that epoch's dead letters. Destroying an epoch ends both; the
root stays.
What it is not: a hardware module. Who can read the file can read everything sealed under it.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any, Final

from streamgate.adapters.system import SystemEntropy
from streamgate.effects import Entropy
from streamgate.errors import ConfigError, SealBroken
from streamgate.vault import (
    DeadLetterOpener,
    DeadLetterSealer,
    SecretKey,
    decrypt,
    derive_key,
    encrypt,
    reveal_secret_key,
)

FILE_VERSION: Final = 1
FILE_MODE: Final = 0o600
KEY_BYTES: Final = 32
BLOB_VERSION: Final = b"\x01"
EPOCH_BYTES: Final = 4
MAX_EPOCH: Final = (1 << 32) - 1
HEADER_BYTES: Final = len(BLOB_VERSION) + EPOCH_BYTES


class KeyFile:
    """Read once, when built; a changed file is seen by the next process."""

    __slots__ = ("_entropy", "_keks", "_root", "epoch")

    def __init__(self, path: Path, entropy: Entropy | None = None) -> None:
        """Raise ``ConfigError`` where the file is missing, readable by others, or not of this format."""
        self._entropy = entropy or SystemEntropy()
        self._root, self._keks = _parsed(path, _read(path))
        self.epoch = max(self._keks)

    @classmethod
    def create(cls, path: Path, entropy: Entropy | None = None) -> KeyFile:
        """Make a new file with mode 0600 and epoch 1. It appears complete or not at all; an existing one is never touched."""
        source = entropy or SystemEntropy()
        content = _document(SecretKey(source.token_bytes(KEY_BYTES)), {1: SecretKey(source.token_bytes(KEY_BYTES))})
        draft = _draft(path, content)
        try:
            os.link(draft, path)
        except FileExistsError:
            raise ConfigError((f"{path}: exists already; without the old keys nothing sealed under them can be read",)) from None
        except OSError as error:
            raise ConfigError((f"{path}: cannot be written ({type(error).__name__})",)) from None
        finally:
            draft.unlink()
        _sync_directory(path)
        return cls(path, entropy)

    @classmethod
    def rotate(cls, path: Path, entropy: Entropy | None = None) -> KeyFile:
        """Add the next epoch; what was wrapped before stays readable."""
        before = cls(path, entropy)
        keks = {**before._keks, before.epoch + 1: SecretKey(before.token_bytes(KEY_BYTES))}
        _replace(path, _document(before._root, keks))
        return cls(path, entropy)

    @classmethod
    def destroy_epoch(cls, path: Path, epoch: int, entropy: Entropy | None = None) -> KeyFile:
        """Remove an older epoch: every key wrapped and every dead letter sealed under it is unreadable from then on."""
        before = cls(path, entropy)
        if epoch not in before._keks or epoch == before.epoch:
            raise ConfigError((f"{path}: epoch {epoch} is not an older epoch of this file; rotate first, then name an older one",))
        _replace(path, _document(before._root, {n: kek for n, kek in before._keks.items() if n != epoch}))
        return cls(path, entropy)

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs that exist, oldest first."""
        return tuple(sorted(self._keks))

    def token_bytes(self, size: int) -> bytes:
        """Randomness for nonces and keys."""
        return self._entropy.token_bytes(size)

    def wrap(self, plain: bytes, aad: bytes) -> bytes:
        """Encrypt a data key under the current epoch."""
        header = BLOB_VERSION + self.epoch.to_bytes(EPOCH_BYTES, "big")
        return header + encrypt(derive_key(self._keks[self.epoch], b"kek", b"wrap"), self, plain, header + aad)

    def unwrap(self, blob: bytes, aad: bytes) -> bytes:
        """The data key; raise ``SealBroken``."""
        if blob[:1] != BLOB_VERSION or len(blob) < HEADER_BYTES:
            raise SealBroken("wrapped key version")
        header = blob[:HEADER_BYTES]
        kek = self._keks.get(int.from_bytes(header[len(BLOB_VERSION) :], "big"))
        if kek is None:
            raise SealBroken("kek epoch")
        return decrypt(derive_key(kek, b"kek", b"wrap"), blob[HEADER_BYTES:], header + aad)

    def derive(self, label: bytes) -> bytes:
        """32 bytes from the root; the same whatever epochs exist."""
        return reveal_secret_key(derive_key(self._root, b"root", label))

    def dead_letter_opener(self) -> DeadLetterOpener:
        """The private side, for vault."""
        return DeadLetterOpener({epoch: derive_key(kek, b"kek", b"dead letter") for epoch, kek in self._keks.items()})

    def dead_letter_sealer(self) -> DeadLetterSealer:
        """The public side of the current epoch; ``.to_text()`` is what the other roles are configured with."""
        return self.dead_letter_opener().sealer(self.epoch)

    def __reduce__(self) -> str:
        """Refuse to be pickled."""
        raise TypeError("KeyFile cannot be pickled")

    def __repr__(self) -> str:
        """Show the epoch only."""
        return f"KeyFile(epoch {self.epoch})"


def _read(path: Path) -> bytes:
    """The content, if nobody but the owner may read it; the mode is that of the file that was opened."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & ~FILE_MODE:
                raise ConfigError((f"{path}: mode {mode:04o}; set it to 0600",))
            return file.read()
    except OSError as error:
        raise ConfigError((f"{path}: cannot be read ({type(error).__name__}); make it with `streamgate init`",)) from None


def _parsed(path: Path, content: bytes) -> tuple[SecretKey, dict[int, SecretKey]]:
    try:
        document: dict[str, Any] = json.loads(content)
        version, root = document["version"], _key(document["root"])
        keks = {int(epoch): _key(encoded) for epoch, encoded in document["keks"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError((_foreign(path),)) from None
    if version != FILE_VERSION or not keks or not all(1 <= epoch <= MAX_EPOCH for epoch in keks):
        raise ConfigError((_foreign(path),))
    return root, keks


def _foreign(path: Path) -> str:
    return f"{path}: not a key file of version {FILE_VERSION}; restore it from its backup"


def _key(encoded: str) -> SecretKey:
    return SecretKey(base64.b64decode(encoded, validate=True))


def _document(root: SecretKey, keks: dict[int, SecretKey]) -> bytes:
    def text(key: SecretKey) -> str:
        return base64.b64encode(reveal_secret_key(key)).decode()

    document = {"version": FILE_VERSION, "root": text(root), "keks": {str(epoch): text(keks[epoch]) for epoch in sorted(keks)}}
    return json.dumps(document, indent=1).encode() + b"\n"


def _replace(path: Path, content: bytes) -> None:
    """The new content or the old one stands there, never a part."""
    _draft(path, content).replace(path)
    _sync_directory(path)


def _sync_directory(path: Path) -> None:
    """A new epoch may be used only once its name is on disk too."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _draft(path: Path, content: bytes) -> Path:
    """The complete content in a new file beside the real one, on disk."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, FILE_MODE)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise ConfigError((f"{draft}: cannot be written ({type(error).__name__})",)) from None
    return draft

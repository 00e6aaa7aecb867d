"""The keys of one data subject: one random data key per incarnation, and what is derived from it for each purpose.

Destroying the wrapped data key is erasure (GDPR Art. 17): tokens, pseudonyms and sealed values of that subject lose their meaning at once.
Purposes have unrelated keys, so what is processed for one cannot be linked to what is processed for another (Art. 5(1)(b)).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from streamgate.effects import Entropy
from streamgate.errors import SealBroken
from streamgate.vault._fields import fields, number
from streamgate.vault._kms import Kms
from streamgate.vault._masker import Masker
from streamgate.vault._seal_aead import KEY_ID_BYTES, Aad, open_sealed, seal
from streamgate.vault._seal_kdf import derive_key
from streamgate.vault._secret import KEY_BYTES, Handle, SecretKey, reveal_secret_key
from streamgate.vault._token import Tokeniser, base32

PSEUDONYM_LENGTH: Final = 13
"""65 bits, and longer than a token's code, so a pseudonym is never taken for one."""
SAFETY_LENGTH: Final = 52
_NAME: Final = re.compile(r"[^A-Za-z0-9_]+")


class PurposeKeys(Handle):
    """What may be done with a subject's keys for one purpose."""

    __slots__ = ("_content", "_entropy", "_identifier", "_key_id", "_sealing", "_token", "_variant")

    def __init__(self, subject_key: SecretKey, key_id: bytes, entropy: Entropy, purpose: str) -> None:
        """Derive every key; the labels are part of the persisted formats."""
        name = purpose.encode()
        self._key_id = key_id
        self._entropy = entropy
        self._token = derive_key(subject_key, b"token", name)
        self._variant = derive_key(subject_key, b"variant", name)
        self._sealing = derive_key(subject_key, b"seal", name)
        self._identifier = derive_key(subject_key, b"identifier", name)
        self._content = derive_key(subject_key, b"content", name)

    def masker(self) -> Masker:
        """A masker for one request."""
        return Masker(Tokeniser(self._token, self._variant))

    def seal(self, plain: bytes, aad: Aad) -> bytes:
        """``version ‖ key id ‖ nonce ‖ ciphertext ‖ tag``."""
        return seal(self._sealing, self._key_id, self._entropy, plain, aad)

    def open(self, blob: bytes, aad: Aad) -> bytes:
        """Open what :meth:`seal` made; raise ``SealBroken``."""
        return open_sealed(self._sealing, self._key_id, blob, aad)

    def pseudonym(self, path: str, value: str) -> str:
        """The last name of the path and a keyed one-way code, as ``account_id-7f3kq2m5xw2ab`` (GDPR Art. 4(5))."""
        name = _NAME.sub("", path.rsplit(".", 1)[-1]) or "id"
        message = fields(b"pseudonym", path.encode(), value.encode("utf-8", "surrogatepass"))
        return f"{name}-{base32(_mac(self._identifier, message), PSEUDONYM_LENGTH)}"

    def safety_identifier(self) -> str:
        """55 characters that name the subject to a provider for this purpose, and nothing else."""
        return f"sg-{base32(_mac(self._identifier, fields(b'safety identifier')), SAFETY_LENGTH)}"

    def content_digest(self, content: bytes) -> bytes:
        """32 bytes by which equal content of this subject and purpose can be recognised, and no other."""
        return _mac(self._content, content)

    def __repr__(self) -> str:
        """Show nothing."""
        return "PurposeKeys(…)"


class SubjectKey(Handle):
    """One incarnation's data key (DEK). It can be used and not read."""

    __slots__ = ("_dek", "_entropy", "key_id")

    def __init__(self, dek: SecretKey, key_id: bytes, entropy: Entropy) -> None:
        """Use :meth:`mint` or :meth:`open`."""
        self._dek = dek
        self._entropy = entropy
        self.key_id = key_id

    @classmethod
    def mint(cls, entropy: Entropy, kms: Kms, subject_digest: bytes, incarnation: int) -> tuple[SubjectKey, bytes]:
        """A new random key and its wrapped form, which must be acknowledged by Kafka before the key is used."""
        key_id = entropy.token_bytes(KEY_ID_BYTES)
        dek = SecretKey(entropy.token_bytes(KEY_BYTES))
        wrapped = kms.wrap(reveal_secret_key(dek), _aad(key_id, subject_digest, incarnation))
        return cls(dek, key_id, kms), wrapped

    @classmethod
    def open(cls, kms: Kms, wrapped: bytes, key_id: bytes, subject_digest: bytes, incarnation: int) -> SubjectKey:
        """Unwrap; raise ``SealBroken`` where anything but the very same row is given."""
        plain = kms.unwrap(wrapped, _aad(key_id, subject_digest, incarnation))
        if len(plain) != KEY_BYTES:
            raise SealBroken("data key")
        return cls(SecretKey(plain), key_id, kms)

    def for_purpose(self, purpose: str) -> PurposeKeys:
        """The keys of one purpose."""
        return PurposeKeys(self._dek, self.key_id, self._entropy, purpose)

    def __repr__(self) -> str:
        """Show the key's id, which is random and stands in every sealed value."""
        return f"SubjectKey({self.key_id.hex()})"


def _aad(key_id: bytes, subject_digest: bytes, incarnation: int) -> bytes:
    return fields(b"subject key", key_id, subject_digest, number(incarnation))


def _mac(key: SecretKey, message: bytes) -> bytes:
    return hmac.digest(reveal_secret_key(key), message, hashlib.sha256)

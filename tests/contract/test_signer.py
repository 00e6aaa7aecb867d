"""What every signer keeps, and what the key file keeps besides."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from streamgate.adapters.signing_key import SigningKey, verifying_keys
from streamgate.audit import Chain, Signer, Verifier, VerifySignature
from streamgate.errors import ConfigError
from tests.fakes.signer import FakeSigner


@pytest.fixture(params=["fake", "file"])
def signer(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Signer, dict[str, VerifySignature]]:
    """A signer and its public keys."""
    if request.param == "fake":
        fake = FakeSigner()
        return fake, fake.public_keys()
    key = SigningKey.create(tmp_path / "audit.pem")
    return key, verifying_keys([key.public_pem()])


def test_a_signature_verifies_under_its_key_id_and_no_other_message(signer: tuple[Signer, dict[str, VerifySignature]]) -> None:
    """64 bytes, the same for the same message."""
    key, keys = signer
    signature = key.sign(b"message")
    assert len(signature) == 64
    assert key.sign(b"message") == signature
    assert keys[key.key_id](signature, b"message")
    assert not keys[key.key_id](signature, b"massage")
    assert not keys[key.key_id](b"", b"message")


def test_the_key_id_is_sixteen_hexadecimal_digits(signer: tuple[Signer, dict[str, VerifySignature]]) -> None:
    """It is one of the public keys'."""
    key, keys = signer
    assert list(keys) == [key.key_id]
    assert len(key.key_id) == 16
    assert int(key.key_id, 16) >= 0


def test_a_signed_chain_verifies(signer: tuple[Signer, dict[str, VerifySignature]]) -> None:
    """Signer and verifier fit together."""
    key, keys = signer
    chain = Chain.start(None)
    log = [chain.append(b"event", offset, key) for offset in range(3)]
    assert Verifier(keys).check([entry for entry in log if entry is not None]).intact


def test_a_created_key_file_is_the_owners_and_reads_back(tmp_path: Path) -> None:
    """Mode 0600; the same key after a restart; the id is a digest of the raw public key."""
    path = tmp_path / "audit.pem"
    created = SigningKey.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = SigningKey(path)
    assert (read.key_id, read.public_pem()) == (created.key_id, created.public_pem())
    private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(private, Ed25519PrivateKey)
    assert read.key_id == hashlib.sha256(private.public_key().public_bytes_raw()).hexdigest()[:16]


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    """The old key's entries could not be verified any more."""
    path = tmp_path / "audit.pem"
    before = SigningKey.create(path).key_id
    with pytest.raises(ConfigError, match="exists already"):
        SigningKey.create(path)
    assert SigningKey(path).key_id == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """The problem names the mode to set."""
    path = tmp_path / "audit.pem"
    SigningKey.create(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="set it to 0600"):
        SigningKey(path)


def test_what_is_no_ed25519_key_is_refused_without_being_shown(tmp_path: Path) -> None:
    """Missing, garbage, and a key of another kind."""
    path = tmp_path / "audit.pem"
    with pytest.raises(ConfigError, match="cannot be read"):
        SigningKey(path)
    path.write_text("planted-secret")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="not an unencrypted private key") as caught:
        SigningKey(path)
    assert "planted" not in str(caught.value)
    assert caught.value.__cause__ is None
    other = generate_private_key(SECP256R1())
    path.write_bytes(other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    with pytest.raises(ConfigError, match="not an Ed25519 key"):
        SigningKey(path)
    public = other.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for pem in (b"planted-secret", public):
        with pytest.raises(ConfigError, match="audit public key"):
            verifying_keys([pem])


def test_repr_shows_the_key_id_only(tmp_path: Path) -> None:
    """Not the path, not the key."""
    key = SigningKey.create(tmp_path / "audit.pem")
    assert repr(key) == f"SigningKey({key.key_id})"

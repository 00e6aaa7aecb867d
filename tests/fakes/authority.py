"""A certificate authority that lives as long as a test, and servers' certificates of it, right ones and wrong ones."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key

HOST = ipaddress.ip_address("127.0.0.1")
DAY = dt.timedelta(days=1)


class Authority:
    """Signs for servers; ``file`` holds its own certificate."""

    def __init__(self, directory: Path, name: str = "an authority") -> None:
        self._directory, self._name, self._key = directory, _name(name), generate_private_key(SECP256R1())
        self.file = directory / f"{name}.pem"
        public = self._key.public_key()
        key_id = x509.SubjectKeyIdentifier.from_public_key(public)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _dated(x509.CertificateBuilder(issuer_name=self._name, subject_name=self._name, public_key=public, serial_number=1), 0)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_id, critical=False)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, *, host: str | None = None, ended_days_ago: int = 0) -> ssl.SSLContext:
        """For 127.0.0.1, or for another host, or for a time that is over."""
        key = generate_private_key(SECP256R1())
        return _context(self._directory, key, self._certificate(key, self._name, self._key, host, ended_days_ago))

    def self_signed(self) -> ssl.SSLContext:
        """Of nobody, this authority included."""
        key = generate_private_key(SECP256R1())
        return _context(self._directory, key, self._certificate(key, _name("a server"), key, None, 0))

    def _certificate(
        self, key: EllipticCurvePrivateKey, issuer: x509.Name, signer: EllipticCurvePrivateKey, host: str | None, ended_days_ago: int
    ) -> x509.Certificate:
        names: list[x509.GeneralName] = [x509.IPAddress(HOST) if host is None else x509.DNSName(host)]
        builder = x509.CertificateBuilder(
            issuer_name=issuer, subject_name=_name("a server"), public_key=key.public_key(), serial_number=x509.random_serial_number()
        )
        return (
            _dated(builder, ended_days_ago)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .sign(signer, hashes.SHA256())
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _dated(builder: x509.CertificateBuilder, ended_days_ago: int) -> x509.CertificateBuilder:
    ends = dt.datetime.now(dt.UTC) + (DAY if ended_days_ago == 0 else -ended_days_ago * DAY)
    return builder.not_valid_before(ends - 30 * DAY).not_valid_after(ends)


def _context(directory: Path, key: EllipticCurvePrivateKey, certificate: x509.Certificate) -> ssl.SSLContext:
    path = directory / f"{certificate.serial_number}.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context

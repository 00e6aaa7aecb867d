"""The authorities whose certificates count where a file names them, in place of the system's."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path

from streamgate.errors import ConfigError


def authorities(ca_file: Path, *, trust_env: bool) -> ssl.SSLContext:
    """Verifies the certificate and the host. Of the environment it heeds nothing unless ``trust_env`` says so."""
    try:
        return ssl.create_default_context(cafile=ca_file) if trust_env else _unheeding(ca_file)
    except (OSError, ssl.SSLError):
        raise ConfigError(("egress.ca_file: cannot be read; name a file of PEM certificates",)) from None


def _unheeding(ca_file: Path) -> ssl.SSLContext:
    """``create_default_context`` heeds SSLKEYLOGFILE: whoever holds that file can decrypt every call."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if sys.version_info >= (3, 13):  # as that function does from there on
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    context.load_verify_locations(ca_file)
    return context

"""What a connection refuses before anybody connects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streamgate.adapters.kafka_connection import KafkaConnection
from streamgate.errors import ConfigError


def test_a_password_is_not_sent_in_the_clear() -> None:
    """Except on the loopback interface."""
    credentials: dict[str, Any] = {"sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "u", "sasl_password": "hunter2"}
    with pytest.raises(ConfigError, match="SASL_SSL"):
        KafkaConnection(bootstrap="127.0.0.1:1,kafka.example:9092", security_protocol="SASL_PLAINTEXT", **credentials)
    for local in ("127.0.0.1:1", "localhost:1", "[::1]:1"):
        options = KafkaConnection(bootstrap=local, security_protocol="SASL_PLAINTEXT", **credentials).client_options()
        assert options["sasl_plain_password"] == "hunter2"


def test_every_mistake_is_named_at_once() -> None:
    """Empty servers, SASL without a user, a certificate without its key."""
    with pytest.raises(ConfigError) as caught:
        KafkaConnection(bootstrap=" , ", security_protocol="SASL_SSL", tls_certificate=Path("cert.pem"))
    assert len(caught.value.problems) == 3


def test_the_password_is_in_no_repr() -> None:
    """Only place and protocol are."""
    made = KafkaConnection(
        bootstrap="a:1", security_protocol="SASL_SSL", sasl_mechanism="PLAIN", sasl_username="u", sasl_password="hunter2"
    )
    assert repr(made) == "KafkaConnection('a:1', SASL_SSL)"
    context = made.ssl_context()
    assert context is not None
    assert context.check_hostname

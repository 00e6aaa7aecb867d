"""Fixtures that every test may use."""

from tests.fixtures_kafka import broker, embedded, kafka, prefix
from tests.topology.toy import make_worker

__all__ = ["broker", "embedded", "kafka", "make_worker", "prefix"]

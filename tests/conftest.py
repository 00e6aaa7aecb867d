"""Fixtures that every test may use."""

from tests.fixtures_kafka import broker, embedded, kafka, prefix

__all__ = ["broker", "embedded", "kafka", "prefix"]

"""Counts facts as the catalogue says, in a registry of its own, and renders the page that Prometheus reads.

What it is not: a place where metrics are declared (``streamgate.telemetry``), nor a server (``streamgate.adapters.health``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client import Metric as Family
from prometheus_client.registry import Collector

from streamgate.telemetry import CATALOGUE, METRICS, Fact, Kind, Known, Metric, Update

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class PrometheusTelemetry:
    """Implements ``streamgate.telemetry.Telemetry``."""

    def __init__(self, known: Known, registry: CollectorRegistry | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        """``known`` bounds the labels; ``registry`` is a fresh one unless given; ``monotonic`` times the ages."""
        self._known = known
        self._registry = CollectorRegistry() if registry is None else registry
        self._monotonic = monotonic
        self._began: dict[tuple[str, tuple[str, ...]], float] = {}
        self._counters = {m.name: Counter(m.name, m.help, m.labels, registry=self._registry) for m in METRICS if m.kind is Kind.COUNTER}
        self._histograms = {
            m.name: Histogram(m.name, m.help, m.labels, registry=self._registry, buckets=m.buckets)
            for m in METRICS
            if m.kind is Kind.HISTOGRAM
        }
        self._gauges = {
            m.name: Gauge(m.name, m.help, m.labels, registry=self._registry) for m in METRICS if m.kind in {Kind.GAUGE, Kind.AGE}
        }

    def emit(self, fact: Fact) -> None:
        """Carry out the updates that the catalogue declares; a type of fact that it does not know changes nothing."""
        declaration = CATALOGUE.get(type(fact))
        if declaration is not None:
            for update in declaration.updates(fact):
                self._apply(update)

    def render(self) -> bytes:
        """The metrics page in Prometheus's text format."""
        return generate_latest(_WithoutCreated(self._registry))

    def _apply(self, update: Update) -> None:
        """A counter never goes down: a negative value adds nothing."""
        metric, labels = update.metric, self._known.bound(update)
        if metric.kind is Kind.COUNTER:
            counter = self._counters[metric.name]
            (counter.labels(*labels) if labels else counter).inc(max(0.0, update.value))
        elif metric.kind is Kind.HISTOGRAM:
            histogram = self._histograms[metric.name]
            (histogram.labels(*labels) if labels else histogram).observe(max(0.0, update.value))
        elif metric.kind is Kind.GAUGE:
            gauge = self._gauges[metric.name]
            (gauge.labels(*labels) if labels else gauge).set(update.value)
        else:
            self._restart(metric, labels, update.value)

    def _restart(self, metric: Metric, labels: tuple[str, ...], seconds: float) -> None:
        """Let an age begin; its gauge is worked out when the page is rendered."""
        place = (metric.name, labels)
        if place not in self._began:
            gauge = self._gauges[metric.name]
            child = gauge.labels(*labels) if labels else gauge
            child.set_function(lambda: self._monotonic() - self._began[place])
        self._began[place] = self._monotonic() - seconds


class _WithoutCreated(Collector):
    """Leaves out the ``_created`` series, which double the page. The library's own switch for that is process-wide."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Family]:
        """The families with their other samples."""
        for family in self._registry.collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family

"""The catalogue of metrics as a Markdown table, for the README between two markers."""

from __future__ import annotations

from typing import Final

from streamgate.telemetry._metric import Kind, Metric
from streamgate.telemetry._metrics import METRICS

BEGIN: Final = "<!-- metrics:begin -->"
END: Final = "<!-- metrics:end -->"


def metrics_table() -> str:
    """One row per metric, in the order of the catalogue."""
    head = ("| Metric | Kind | Labels | Meaning |", "|---|---|---|---|")
    return "\n".join((*head, *(_row(metric) for metric in METRICS))) + "\n"


def with_metrics_table(readme: str) -> str:
    """The text with what stands between the markers replaced by the table; unchanged where the markers are missing."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n{metrics_table()}{end}{after}" if begin and end else readme


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
    kind = Kind.GAUGE if metric.kind is Kind.AGE else metric.kind
    return f"| `{metric.name}` | {kind} | {labels} | {metric.help} |"

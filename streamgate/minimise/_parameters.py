"""Sampling parameters, held against the ranges of the chat completions API."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from streamgate.errors import Code, Refused
from streamgate.minimise._limits import Limits
from streamgate.minimise._plan import Plan
from streamgate.minimise._values import Segment, Treatment
from streamgate.types import Parameters

HOTTEST: Final = 2.0
MOST_TOKENS: Final = 1_000_000
SEED_BITS: Final = 31
"""A seed needs no more, and a longer number may be somebody's."""


def read_parameters(plan: Plan, record: Mapping[str, Any], limits: Limits) -> tuple[Parameters, tuple[Segment, ...]]:
    """Parameters without stop sequences, and the stop sequences as text to scan."""
    path = plan.path("parameters")
    found = None if path is None else record.get(path)
    if path is None or not isinstance(found, Mapping) or plan.rule(path).action == "drop":
        return Parameters(), ()
    allowed = {name: value for name, value in found.items() if plan.rule(f"{path}.{name}").action in {"keep", "scan"}}
    stop = allowed.get("stop") or []
    if not isinstance(stop, list) or len(stop) > limits.stop_sequences or not all(isinstance(each, str) and each for each in stop):
        raise Refused(Code.INVALID_FIELD, f"{path}.stop")
    parameters = Parameters(
        temperature=_number(allowed.get("temperature"), HOTTEST, f"{path}.temperature"),
        top_p=_number(allowed.get("top_p"), 1.0, f"{path}.top_p"),
        max_output_tokens=_whole(allowed.get("max_output_tokens"), f"{path}.max_output_tokens"),
        seed=_seed(allowed.get("seed"), f"{path}.seed"),
    )
    return parameters, tuple(Segment(f"{path}.stop", Treatment.SCAN, each) for each in stop)


def _number(value: Any, highest: float, path: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= highest:
        raise Refused(Code.INVALID_FIELD, path)
    return float(value)


def _whole(value: Any, path: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MOST_TOKENS:
        raise Refused(Code.INVALID_FIELD, path)
    return value


def _seed(value: Any, path: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**SEED_BITS) <= value < 2**SEED_BITS:
        raise Refused(Code.INVALID_FIELD, path)
    return value

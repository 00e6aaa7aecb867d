"""How the benchmark measures: processor time, memory, percentiles, and single stages by themselves."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from streamgate.adapters.system import SystemEntropy
from streamgate.bootstrap import Installation
from streamgate.client import Prompt
from streamgate.detect import merge, scan_patterns
from streamgate.minimise import Limits, minimise, plan
from streamgate.types import Topic
from streamgate.vault import Aad, PurposeKeys, SecretKey, SubjectKey, restore

_TICKS = os.sysconf("SC_CLK_TCK")
_AAD = Aad(purpose="support", tenant="acme", subject_digest=bytes(16), incarnation=1, kind="request", row=bytes(16))


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of processes, from /proc."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def peak_mib(pid: int | None) -> float:
    """Highest resident memory so far."""
    lines = Path(f"/proc/{pid or 'self'}/status").read_text(encoding="utf-8").splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024, 1)


def latencies(seconds: Sequence[float], provider_seconds: float) -> dict[str, float]:
    """p50 and p99 of what was added to the provider's time, in milliseconds."""
    added = sorted(max(0.0, each - provider_seconds) * 1000 for each in seconds)
    return {name: round(added[min(len(added) - 1, round(share * (len(added) - 1)))], 1) for name, share in (("p50", 0.5), ("p99", 0.99))}


def stages_microseconds(made: Installation, texts: Sequence[str]) -> dict[str, float]:
    """Each pure stage by itself, on the same prompts, in this process."""
    schema = made.schemas.latest(Topic.PROMPTS)
    records = [Prompt(tenant="acme", subject="s", purpose="support", messages=[("user", text)]).record(0) for text in texts]
    bodies = [schema.encode(record) for record in records]
    spans = [merge(text, scan_patterns(text)) for text in texts]
    keys = _keys()
    masked = []
    for text, found in zip(texts, spans, strict=True):
        masker = keys.masker()
        masked.append((masker.mask_spans(text, found).text, masker.token_map))
    sealed = [keys.seal(token_map.to_bytes(), _AAD) for _, token_map in masked]
    return {
        "avro_encode": _each(records, schema.encode),
        "avro_decode": _each(bodies, schema.decode),
        "minimise": _each(records, lambda record: minimise(plan(schema, "support"), record, Limits())),
        "patterns": _each(list(texts), lambda text: merge(text, scan_patterns(text))),
        "mask": _each(list(zip(texts, spans, strict=True)), lambda pair: keys.masker().mask_spans(*pair)),
        "seal": _each([token_map.to_bytes() for _, token_map in masked], lambda data: keys.seal(data, _AAD)),
        "open": _each(sealed, lambda blob: keys.open(blob, _AAD)),
        "restore": _each(masked, lambda pair: restore(*pair)),
    }


def _each(inputs: Sequence[Any], work: Callable[[Any], object]) -> float:
    began = time.perf_counter()
    for one in inputs:
        work(one)
    return round((time.perf_counter() - began) / len(inputs) * 1e6, 1)


def _keys() -> PurposeKeys:
    entropy = SystemEntropy()
    return SubjectKey(SecretKey(entropy.token_bytes(32)), entropy.token_bytes(8), entropy).for_purpose("support")

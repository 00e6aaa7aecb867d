"""What can be chosen about a soak."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from streamgate.demo.soak._evidence import Limit
from streamgate.demo.soak._fault import Fault

WORKER: Final = (sys.executable, "-c", "from streamgate.cli import main; main()", "worker", "--role")
"""The command of a worker; its role is the last word."""
PARTITIONS: Final = 4
HEADROOM: Final = 1.25
"""What the provider allows, as a multiple of what is asked for on average: what piles up in a fault can be worked off."""
TOKENS_PER_REQUEST: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SoakOptions:
    """One run."""

    seed: int
    prompts: int = 2_000
    faults: int = 28
    per_second: float = 8.0
    """Prompts sent."""
    workers: int = 2
    """Processes of each role."""
    bootstrap: str | None = None
    """``host:port`` of a Kafka to use; ``None`` starts one, and only that one is broken."""
    kafka_libs: Path | None = None
    """Folder of Apache Kafka's jars; ``None`` looks in the cache."""
    deadline_seconds: float = 120.0
    """Of each prompt."""
    worker: tuple[str, ...] = WORKER
    environment: Mapping[str, str] = field(default_factory=dict)
    """Set for every worker besides its settings."""
    given: tuple[Fault, ...] | None = None
    """Faults to carry out instead of those that the seed gives."""
    keep: Path | None = None
    """A folder that is kept, with the workers' logs; ``None``: everything is removed."""

    @property
    def limit(self) -> Limit:
        """What the provider allows in a minute."""
        requests = max(60, round(self.per_second * 60 * HEADROOM))
        return Limit(requests, requests * TOKENS_PER_REQUEST)

"""Two lanes from the prompt to the call: what somebody waits for is never behind what nobody waits for.

The lanes are topics. A prompt of the bulk lane stays there; one of the interactive lane is moved to bulk when its tenant has many requests
out already, so that no tenant's burst is before another's prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from streamgate.types import Topic


@dataclass(slots=True, repr=False)
class Lanes:
    """Which requests of the interactive lane are out. What it forgets, at a restart or a rebalance, is only a choice of lane."""

    most_open: int = 64
    """Requests of one tenant in the interactive lane at once, for each worker."""
    _open: dict[str, set[str]] = field(default_factory=dict)

    def choose(self, prompts: str, tenant: str, request_id: str, *, batch: bool = False) -> Topic:
        """The topic for the request of a prompt that came by the topic ``prompts``; what is marked for a batch is out in no lane."""
        if batch:
            return Topic.REQUESTS_BATCH
        if prompts == Topic.PROMPTS_BULK:
            return Topic.REQUESTS_BULK
        out = self._open.setdefault(tenant, set())
        if request_id not in out and len(out) >= self.most_open:
            return Topic.REQUESTS_BULK
        out.add(request_id)
        return Topic.REQUESTS

    def ended(self, tenant: str, request_id: str) -> None:
        """A request is out no more."""
        out = self._open.get(tenant)
        if out is not None:
            out.discard(request_id)
            if not out:
                del self._open[tenant]

    def clear(self) -> None:
        """Partitions are given up."""
        self._open.clear()

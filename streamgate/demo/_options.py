"""What can be chosen about a demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """One run of the demo."""

    bootstrap: str | None = None
    """``host:port`` of a Kafka to use; ``None`` starts the embedded broker."""
    live: bool = False
    """Call the real API with ``api_key`` instead of the simulated provider."""
    api_key: str | None = None
    keep: bool = False
    """Stay up after the summary, until interrupted."""
    replication_factor: int = 1
    log_level: str = "info"
    break_masking: bool = False
    """For a test of the demo itself: publish what was detected as if nothing had been."""

    def __repr__(self) -> str:
        """Show no key."""
        return f"DemoOptions({self.bootstrap or 'embedded'}, live={self.live})"

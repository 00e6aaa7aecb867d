"""What erasing keys does not remove, and when something else does. The same values stand in the notice, exports and receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

NOT_KEPT_EMBEDDED: Final = (
    "One outcome: the embedded broker has no transactions, so after a crash a response may be published twice.",
    "Erased means erased: the embedded broker does not compact, so rows written before an erasure stay in its memory until it stops.",
    "No process holds both the keys and the way out: the demo runs every role in one process.",
)
"""Promises 3, 5 and 6 as far as the embedded profile does not keep them."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Horizons:
    """How long copies live that only time removes."""

    topic_retention_days: Mapping[str, int]
    """Days by physical topic name."""
    provider_log_days: Mapping[str, int]
    """Days by the name of each provider that some prompt may go to."""
    compaction_seconds: int
    """Within this time after an erasure the broker has removed the destroyed rows from its log's files."""
    key_epoch_days: int | None = None
    """Within this time backups can no longer be opened, because the key-encryption epoch is destroyed; ``None``: no rotation."""
    embedded: bool = False
    batch_file_days: int | None = None
    """Within this time the provider has deleted files of batches, should nobody have done so before; ``None``: it gets none."""

    def broker_files(self) -> str:
        """What is true of the broker's own files."""
        if self.embedded:
            return "The embedded broker keeps destroyed rows in its memory until it stops."
        return f"Destroyed rows leave the log's files within {self.compaction_seconds} seconds."

    def backups(self) -> str:
        """What is true of backups."""
        if self.key_epoch_days is None:
            return "Backups of the broker's disks made before the erasure stay readable, to whoever also holds the key file, until deleted."
        return f"Backups made before the erasure become unreadable within {self.key_epoch_days} days, when their key epoch is destroyed."

    def elsewhere(self) -> list[dict[str, str | int]]:
        """What retention removes, topic by topic, and the providers' logs."""
        topics: list[dict[str, str | int]] = [
            {"where": f"topic {topic}", "removed_after_days": days} for topic, days in sorted(self.topic_retention_days.items())
        ]
        logs: list[dict[str, str | int]] = [
            {"where": f"abuse logs of {name}: prompts with tokens in place of what was found, and its answers", "removed_after_days": days}
            for name, days in sorted(self.provider_log_days.items())
        ]
        files: dict[str, str | int] = {"where": "files of batches with a provider, deleted once answered: prompts with tokens, and answers"}
        held = [] if self.batch_file_days is None else [files | {"removed_after_days": self.batch_file_days}]
        return [*topics, *held, *logs]

    def not_kept(self) -> list[str]:
        """Promises that this profile does not keep."""
        return list(NOT_KEPT_EMBEDDED) if self.embedded else []


def instant(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds; times beyond the calendar are given as they are."""
    try:
        return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except OverflowError:
        return f"{at_ms} ms after 1970-01-01T00:00:00Z"

"""Reads the headers by which a provider says how much is left and when to come back. Pure; what cannot be read counts as absent.

``retry-after`` is seconds or a date (RFC 9110 §10.2.3); ``retry-after-ms`` is OpenAI's finer form; ``x-ratelimit-reset-*`` are durations
such as ``20ms``, ``1.2s`` or ``6m0s``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from streamgate.provider._call import Quota, RateHeaders

LONGEST_SECONDS: Final = 86_400.0
"""A longer wait is cut to this: no deadline is that far."""
_LARGEST: Final = 2**53
_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|us|µs|ns|d|h|m|s)", re.ASCII)
_WHOLE: Final = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|us|µs|ns|d|h|m|s)){1,6}", re.ASCII)
_UNIT_SECONDS: Final = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def duration_seconds(text: str) -> float | None:
    """Seconds of a duration such as ``1m30.5s``; a bare number is seconds; ``None`` for anything else."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return _bounded(float(text))
    if not _WHOLE.fullmatch(text):
        return None
    return _bounded(sum(float(amount) * _UNIT_SECONDS[unit] for amount, unit in _DURATION.findall(text)))


def retry_after_seconds(headers: Mapping[str, str], now_seconds: float) -> float | None:
    """How long the provider asks to be left alone; header names in lower case.

    A date is compared with the reply's own ``date`` where it has one, so that a wrong clock on either side does not matter, and with
    ``now_seconds`` (Unix time) otherwise.
    """
    finer = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(finer):
        return _bounded(float(finer) / 1000)
    text = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(text):
        return _bounded(float(text))
    then = _timestamp(text)
    if then is None:
        return None
    sent = _timestamp(headers.get("date", ""))
    return _bounded(then - (now_seconds if sent is None else sent))


def rate_headers(headers: Mapping[str, str]) -> RateHeaders | None:
    """The quotas a reply states, or ``None`` where it states none; header names in lower case."""
    found = RateHeaders(_quota(headers, "requests"), _quota(headers, "tokens"))
    return None if found == RateHeaders() else found


def _quota(headers: Mapping[str, str], name: str) -> Quota:
    return Quota(
        limit=_count(headers.get(f"x-ratelimit-limit-{name}")),
        remaining=_count(headers.get(f"x-ratelimit-remaining-{name}")),
        reset_seconds=duration_seconds(headers.get(f"x-ratelimit-reset-{name}", "")),
    )


def _count(text: str | None) -> int | None:
    if text is None or not _NUMBER.fullmatch(text.strip()):
        return None
    return min(int(float(text.strip())), _LARGEST)


def _timestamp(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_SECONDS) if math.isfinite(seconds) else LONGEST_SECONDS

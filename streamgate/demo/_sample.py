"""All sample traffic, in the order in which the demo sends it."""

from __future__ import annotations

from typing import Final

from streamgate.demo._sample_documents import DOCUMENTS
from streamgate.demo._sample_refused import NOT_ANSWERED
from streamgate.demo._sample_support import SUPPORT
from streamgate.demo._sample_types import Expected, Planted, Sample, SampleKind

SAMPLES: Final[tuple[Sample, ...]] = (*SUPPORT, *DOCUMENTS, *NOT_ANSWERED)

__all__ = ["SAMPLES", "Expected", "Planted", "Sample", "SampleKind"]

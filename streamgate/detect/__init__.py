"""Where personal data is in text: entity types, our own patterns with checksums, and how findings are merged.

What it is not: a masker (``vault``) or a process pool (``adapters.detector_pool``). Nothing here touches the network.
"""

from streamgate.detect._copy import ScanCopy, scan_copy
from streamgate.detect._final import final_scan
from streamgate.detect._merge import find_marked, merge, merge_all
from streamgate.detect._port import Detector
from streamgate.detect._scan import PATTERNS_VERSION, scan_patterns
from streamgate.detect._types import EntityType, Span

__all__ = [
    "PATTERNS_VERSION",
    "Detector",
    "EntityType",
    "ScanCopy",
    "Span",
    "final_scan",
    "find_marked",
    "merge",
    "merge_all",
    "scan_copy",
    "scan_patterns",
]

"""Detection reaches for no network, neither itself nor by a dependency: it runs where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, socket
real = socket.getaddrinfo
asked = []
def noted(*a, **k):
    asked.append(a[0]); return real(*a, **k)
socket.getaddrinfo = noted
from streamgate.adapters.presidio import PresidioAnalyzer
from streamgate.detect import merge, scan_patterns
text = "Maria Gonzalez, maria@example.co.uk, https://www.example.com/maria wrote to Siemens."
spans = merge(text, [*scan_patterns(text), *PresidioAnalyzer().spans(text)])
found = {text[s.start:s.end] for s in spans}
assert "maria@example.co.uk" in found and "Maria Gonzalez" in found, found
assert asked == [], asked
print("found", len(found))
"""


def test_detection_works_in_a_network_namespace_without_a_route() -> None:
    """In a namespace with no route the detector finds names and addresses, and no host name is ever looked up."""
    unshare = shutil.which("unshare")
    possible = unshare is not None and subprocess.run([unshare, "-n", "true"], check=False, capture_output=True).returncode == 0
    if not possible:
        if os.environ.get("STREAMGATE_CI"):
            pytest.fail("unshare -n is needed in CI")
        pytest.skip("unshare -n is not permitted here")
    done = subprocess.run([str(unshare), "-n", sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("found")

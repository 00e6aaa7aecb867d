"""What a command says of an exception that nobody foresaw."""

from __future__ import annotations

import json
import subprocess
import sys

CANARY = "canary-Xq7"
COMMAND = """
import sys
from streamgate.cli import app, main

@app.command("break")
def broken() -> None:
    held = "{canary}"
    {before}
    raise ValueError("not a number: " + held)

sys.argv = ["streamgate", "break"]
main()
"""


def broken(before: str = "pass") -> subprocess.CompletedProcess[str]:
    """A command that reads personal data and fails on it."""
    command = [sys.executable, "-c", COMMAND.format(canary=CANARY, before=before)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_type_and_place_are_said_and_nothing_else() -> None:
    """Message, source lines and local values may hold what was being read; exit status 1."""
    done = broken()
    assert (done.returncode, done.stdout) == (1, "")
    assert CANARY not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("ValueError at streamgate.cli:")


def test_a_worker_says_it_in_its_log() -> None:
    """One JSON line, as everything else that it says."""
    done = broken("from streamgate.adapters.log import configure; configure('json', 'info')")
    assert (done.returncode, done.stdout) == (1, "")
    assert CANARY not in done.stderr
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["level"] == "critical"

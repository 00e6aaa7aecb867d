"""The tools that read the whole tree: each is run as configured in pyproject.toml, and must find nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _run(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def _script(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def test_ruff_finds_nothing_in_the_whole_tree() -> None:
    """Every rule of ruff holds, but for those that pyproject.toml names with a reason."""
    status, output = _run(sys.executable, "-m", "ruff", "check", "--quiet", "--output-format=concise", ".")
    assert status == 0, output


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mypy_finds_nothing_in_the_package() -> None:
    """The package type-checks in strict mode."""
    status, output = _run(sys.executable, "-m", "mypy", "--no-error-summary")
    assert status == 0, output


def test_imports_point_down() -> None:
    """Every import contract of pyproject.toml is kept: layers, a core without I/O, cryptography and Avro in their places."""
    status, output = _run(_script("lint-imports"), "--no-cache")
    assert status == 0, output
    assert "0 broken" in output


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("streamgate/codec/_planted.py", "import streamgate.vault", "Imports point down"),
        ("streamgate/planted.py", "", "Imports point down"),
        ("streamgate/audit/_planted.py", "import streamgate.rights", "Imports point down"),
        ("streamgate/topology/_planted.py", "import streamgate.config", "Imports point down"),
        ("streamgate/minimise/_planted.py", "import time", "The core does no I/O"),
        ("streamgate/vault/_planted.py", "import cryptography", "cryptography only"),
        ("streamgate/adapters/_planted.py", "import fastavro", "fastavro only"),
        ("streamgate/cli/_planted.py", "import streamgate.adapters.system", "Commands compose nothing"),
    ],
)
def test_a_wrong_import_is_noticed(tmp_path: Path, module: str, statement: str, contract: str) -> None:
    """Each contract fails on the import it forbids, so that none of them is kept only because it looks at nothing."""
    for source in (ROOT / "streamgate").rglob("*.py"):
        copy = tmp_path / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / module).write_text(f"{statement}\n")
    done = subprocess.run([_script("lint-imports"), "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False)
    report = done.stdout + done.stderr
    assert done.returncode != 0, report
    assert any(line.startswith(contract) and "BROKEN" in line for line in report.splitlines()), report

"""What the tree holds and how its files are cut: names, sizes, words, and what tests may not do."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {"README.md", "docker-compose.yml", "helm", "pyproject.toml", "schemas", "streamgate", "tests"}
LONGEST_FILE = 250
LONGEST_FUNCTION = 50
NAMES_THAT_SAY_NOTHING = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}
LEFT_UNDONE = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")))
PATCHES = {"setattr", "delattr", "setitem", "delitem"}


def _files() -> list[Path]:
    """What git holds or would take; in an unpacked archive everything but dotfiles."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        names = [Path(name) for name in listed.decode().split("\0") if name]
    else:
        names = [path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return [name for name in names if (ROOT / name).is_file() and not name.parts[0].startswith(".")]


def _python(top: str) -> Iterator[tuple[Path, str]]:
    for name in _files():
        if name.suffix == ".py" and name.parts[0] == top:
            yield name, (ROOT / name).read_text(encoding="utf-8")


def _functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_the_top_level_holds_exactly_what_is_settled() -> None:
    """Nothing is added beside the package, its schemas, its tests and its deployment."""
    assert {name.parts[0] for name in _files()} == TOP_LEVEL


def test_no_source_file_is_long() -> None:
    """A file of the package can be read in one go."""
    long = {str(name): lines for name, text in _python("streamgate") if (lines := text.count("\n")) > LONGEST_FILE}
    assert not long


def test_no_function_is_long() -> None:
    """A function of the package fits on a screen."""
    long = [
        f"{name}:{node.lineno} {node.name}"
        for name, text in _python("streamgate")
        for node in _functions(text)
        if (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]
    assert not long


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A module is named for what it is about."""
    named = [str(name) for top in ("streamgate", "tests") for name, _ in _python(top) if name.stem.strip("_") in NAMES_THAT_SAY_NOTHING]
    assert not named


def test_nothing_is_marked_as_left_undone() -> None:
    """What is open stands in the issue tracker, not in the tree."""
    marked = []
    for name in _files():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        marked += [
            f"{name}: {found[0]}" for found in LEFT_UNDONE.finditer(text) if name.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".tpl"}
        ]
    assert not marked


def test_every_test_says_what_it_shows() -> None:
    """The docstring of a test states a behaviour."""
    silent = [
        f"{name}:{node.lineno} {node.name}"
        for name, text in _python("tests")
        if name.name.startswith("test_")
        for node in _functions(text)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert not silent


def test_no_test_patches() -> None:
    """Tests pass in time, randomness and the outside world; they replace nothing behind the code's back."""
    patched = []
    for name, text in _python("tests"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in {"mock", "unittest"}:
                patched.append(f"{name}:{node.lineno} imports {node.module}")
            if isinstance(node, ast.Import):
                patched += [
                    f"{name}:{node.lineno} imports {each.name}" for each in node.names if each.name.startswith(("mock", "unittest"))
                ]
            if (
                isinstance(node, ast.Attribute)
                and node.attr in PATCHES
                and isinstance(node.value, ast.Name)
                and node.value.id == "monkeypatch"
            ):
                patched.append(f"{name}:{node.lineno} monkeypatch.{node.attr}")
    assert not patched


def test_a_rule_switched_off_in_the_package_is_named() -> None:
    """Type and lint findings are silenced one by one, by their code."""
    bare = [
        f"{name}:{number}"
        for name, text in _python("streamgate")
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(r"#\s*(noqa(?!: [A-Z]+\d)|type: ignore(?!\[))", line)
    ]
    assert not bare


def test_decisions_are_short_and_numbered_without_a_gap() -> None:
    """A decision record is read in a minute: at most 25 lines, with what was decided, why, and what would change it."""
    records = sorted((ROOT / "streamgate" / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 25, path.name
        assert all(word in text for word in ("**Decided.**", "**Why.**", "**Instead of.**", "**Would change it.**")), path.name

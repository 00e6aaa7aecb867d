"""The README tells what is there: commands, codes, metrics, code and the test command."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import streamgate.client
from streamgate.cli import app
from streamgate.codec import SchemaSet, packaged_schemas
from streamgate.errors import NEXT_STEP, Code
from streamgate.telemetry import with_metrics_table
from streamgate.types import Topic

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def codes_table() -> str:
    """Every code in the order of its declaration, with what to do."""
    rows = (f"| `{code}` | {NEXT_STEP[code]} |" for code in Code)
    return "\n".join(("| Code | What to do |", "|---|---|", *rows)) + "\n"


def _between(begin: str, end: str) -> str:
    assert README.count(begin) == README.count(end) == 1
    return README.partition(begin)[2].partition(end)[0]


def _fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def _calls(text: str) -> Iterator[list[str]]:
    """The words after ``streamgate`` of each command line in a shell text."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|;|\s&$", line):
            words = shlex.split(part, comments=True)
            at = next((number for number, word in enumerate(words) if word.rpartition("/")[2] == "streamgate"), None)
            if at is not None and words[0] != "helm":
                yield words[at + 1 :]


def _calls_of_the_readme() -> list[list[str]]:
    inline = re.findall(r"`(streamgate [a-z][^`]*)`", README)
    return [*(call for text in _fences("sh") for call in _calls(text)), *(call for text in inline for call in _calls(text))]


def _wrong(call: list[str]) -> str | None:
    """What of a command line the program does not know."""
    command: Any = typer.main.get_command(app)
    words = list(call)
    while subcommands := getattr(command, "commands", None):
        if not words or words[0] not in subcommands:
            return f"no command {' '.join(call)}"
        command = subcommands[words.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return next((f"{' '.join(call)}: no option {word}" for word in words if word.startswith("--") and word not in known), None)


def test_every_command_exists() -> None:
    """Each command line of the README, and of the compose file's head, names a command and options that the program has."""
    head = "\n".join(re.sub(r"\s{2,}\S.*$", "", line[1:].strip()) for line in COMPOSE.splitlines() if line.startswith("#   "))
    calls = [*_calls_of_the_readme(), *_calls(head)]
    assert len(calls) > 15
    assert [problem for problem in map(_wrong, calls) if problem] == []


@pytest.mark.parametrize("call", ["dmeo", "topics aplly", "demo --bootstap x:1"])
def test_a_command_that_does_not_exist_is_noticed(call: str) -> None:
    """A misspelt command, subcommand or option is found."""
    assert _wrong(call.split()) is not None


def test_the_codes_are_those_of_the_program() -> None:
    """The table of codes is what the error tree says."""
    assert _between("<!-- codes:begin -->\n", "<!-- codes:end -->") == codes_table()


def test_the_metrics_are_those_of_the_catalogue() -> None:
    """The table of metrics is what the catalogue says."""
    assert with_metrics_table(README) == README
    assert "| `streamgate_" in _between("<!-- metrics:begin -->", "<!-- metrics:end -->")


def test_the_fingerprint_is_that_of_the_prompt_schema() -> None:
    """Producers in another language can take it from the README."""
    shown = _between("<!-- fingerprint -->`", "`<!-- /fingerprint -->")
    assert bytes.fromhex(shown) == SchemaSet.load(packaged_schemas()).latest(Topic.PROMPTS).fingerprint


def test_the_python_example_fits_the_client() -> None:
    """The example parses, and what it imports and calls takes the arguments it gives."""
    (example,) = _fences("python")
    tree = ast.parse(example)
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert imported
    assert set(imported) <= set(streamgate.client.__all__)
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""): node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    for name, target in (("PromptProducer", streamgate.client.PromptProducer.__init__), ("ask", streamgate.client.PromptProducer.ask)):
        call = calls[name]
        given = {keyword.arg: None for keyword in call.keywords if keyword.arg is not None}
        inspect.signature(target).bind(None, *call.args, **given)


def test_paths_that_are_named_exist() -> None:
    """A file or folder of the tree that the README names is there."""
    named = re.findall(r"`((?:schemas|helm|streamgate)/[\w./-]+|docker-compose\.yml)`", README)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_ci_takes_its_command_from_here(tmp_path: Path) -> None:
    """The script that continuous integration runs executes the README's test command as it stands."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    extraction = re.search(r"^command=\$\((awk .*) README\.md\)$", script, re.MULTILINE)
    assert extraction is not None
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    found = subprocess.run(["bash", "-c", f"{extraction[1]} README.md"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert found.strip() == "python3 -m venv .venv && .venv/bin/pip install -q -e '.[demo,test]' && .venv/bin/python -m pytest"

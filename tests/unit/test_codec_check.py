"""``schema check`` and ``approve``: what they refuse."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from streamgate.codec import SchemaSet, approve, check, packaged_schemas
from streamgate.errors import Code, SchemaRejected, Unreadable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped schemas."""
    return Path(shutil.copytree(packaged_schemas(), tmp_path / "schemas"))


def prompt(folder: Path) -> dict[str, Any]:
    """The prompt schema's definition."""
    return dict(json.loads((folder / "prompts" / "v2.avsc").read_text()))


def write(folder: Path, definition: dict[str, Any], version: int = 3) -> None:
    """Put a version beside the others."""
    (folder / "prompts" / f"v{version}.avsc").write_text(json.dumps(definition))


def field(definition: dict[str, Any], name: str) -> dict[str, Any]:
    """A field of the record by its name."""
    return next(each for each in definition["fields"] if each["name"] == name)


def kinds(folder: Path) -> set[str]:
    """What kinds of problems there are."""
    return {problem.kind for problem in check(folder)}


def test_the_shipped_schemas_pass(folder: Path) -> None:
    """What is shipped is annotated, compatible and in the lock."""
    assert check(folder) == []


def test_a_field_without_annotation_is_refused(folder: Path) -> None:
    """A new field must say what happens to it."""
    definition = prompt(folder)
    definition["fields"].append({"name": "nickname", "type": ["null", "string"], "default": None})
    write(folder, definition)
    assert "annotation" in kinds(folder)
    with pytest.raises(SchemaRejected):
        approve(folder)


@pytest.mark.parametrize(
    "annotation",
    [
        {"action": "publish"},
        {"action": "tokenise"},
        {"action": "generalise"},
        {"action": "generalise", "how": "prefix"},
        {"action": "keep", "role": "king"},
        {"action": "mask", "keep_last": 9},
        {"action": "keep", "purposes": []},
        {"action": "keep", "colour": "red"},
    ],
)
def test_annotations_that_mean_nothing_are_refused(folder: Path, annotation: dict[str, Any]) -> None:
    """Unknown actions, roles and details, and actions without what they need, are named."""
    definition = prompt(folder)
    definition["fields"].append({"name": "extra", "type": ["null", "string"], "default": None, "streamgate": annotation})
    write(folder, definition)
    assert "annotation" in kinds(folder)


def test_a_changed_type_and_a_new_field_without_default_are_incompatible(folder: Path) -> None:
    """A reader of the new version must be able to read the old one's records."""
    definition = prompt(folder)
    field(definition, "purpose")["type"] = "long"
    definition["fields"].append({"name": "must", "type": "string", "streamgate": {"action": "keep"}})
    write(folder, definition)
    places = [problem.place for problem in check(folder) if problem.kind == "incompatible"]
    assert any("purpose" in place for place in places)
    assert any("must" in place for place in places)


def test_weaker_protection_needs_the_operator(folder: Path) -> None:
    """A tokenised field may not become a kept one, unless it is approved as weaker; then the lock holds it."""
    definition = prompt(folder)
    context = next(branch for branch in field(definition, "context")["type"] if isinstance(branch, dict))
    field(context, "customer_name")["streamgate"] = {"action": "keep"}
    write(folder, definition)
    assert "weaker" in kinds(folder)
    with pytest.raises(SchemaRejected):
        approve(folder)
    approve(folder, allow_weaker=True)
    assert check(folder) == []


def test_a_changed_schema_is_not_loaded_until_it_is_approved(folder: Path) -> None:
    """Editing an approved file makes the set refuse to load."""
    definition = prompt(folder)
    definition["doc"] = "changed"
    write(folder, definition, version=1)
    with pytest.raises(SchemaRejected) as raised:
        SchemaSet.load(folder)
    assert raised.value.code is Code.SCHEMA_NOT_APPROVED


def test_two_policies_of_one_fingerprint_give_the_strictest(folder: Path) -> None:
    """Avro's fingerprint ignores annotations; a record of either version is read under the stricter rules."""
    definition = copy.deepcopy(prompt(folder))
    context = next(branch for branch in field(definition, "context")["type"] if isinstance(branch, dict))
    field(context, "product")["streamgate"] = {"action": "drop"}
    write(folder, definition)
    approve(folder)
    schemas = SchemaSet.load(folder)
    latest = schemas.latest("prompts")
    assert schemas.by_fingerprint("prompts", latest.fingerprint).rules["context.product"].action == "drop"
    assert schemas.by_fingerprint("prompts", latest.fingerprint).rules["context.customer_name"].action == "tokenise"


def test_an_unknown_fingerprint_is_unreadable(folder: Path) -> None:
    """A record of a schema nobody approved is not guessed at."""
    with pytest.raises(Unreadable) as raised:
        SchemaSet.load(folder).by_fingerprint("prompts", bytes(8))
    assert raised.value.code is Code.UNKNOWN_SCHEMA

"""No process holds both the keys and the way out: what a role may be given is checked at start."""

import base64
import json
from pathlib import Path

import pytest

from streamgate.config import Settings, check_role, load
from streamgate.errors import ConfigError
from streamgate.types import Role


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(0o600)
    return str(path)


def settings(**given: str) -> Settings:
    return load(None, {f"STREAMGATE_{name.upper()}": value for name, value in given.items()})


def mistakes(of: Settings, role: Role) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        check_role(of, role)
    return caught.value.problems


def test_a_role_with_its_own_starts(file: str) -> None:
    """Each role passes with what the table says it needs."""
    check_role(settings(vault__key_file=file), Role.VAULT)
    check_role(settings(egress__api_key_file=file, dead_letters__public_key_file=file), Role.EGRESS)
    check_role(settings(egress__base_url="http://127.0.0.1:8000/v1", dead_letters__public_key_file=file), Role.EGRESS)
    check_role(settings(notary__signing_key_file=file, dead_letters__public_key_file=file), Role.NOTARY)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_without_anything_does_not_start(role: Role) -> None:
    """Everything that is missing is named."""
    assert all("missing" in line for line in mistakes(settings(), role))


@pytest.mark.parametrize(
    ("role", "forbidden"),
    [
        (Role.VAULT, {"egress.api_key", "notary.signing_key_file"}),
        (Role.EGRESS, {"vault.key_file", "notary.signing_key_file"}),
        (Role.NOTARY, {"vault.key_file", "egress.api_key"}),
    ],
)
def test_a_role_holds_nothing_of_the_others(role: Role, forbidden: set[str], file: str) -> None:
    """Given everything, each role refuses what belongs to another, and the key's value is not told."""
    everything = settings(
        vault__key_file=file, egress__api_key="PLANTED", notary__signing_key_file=file, dead_letters__public_key_file=file
    )
    found = mistakes(everything, role)
    assert {line.split(":")[0] for line in found} == forbidden
    assert "PLANTED" not in "\n".join(found)


def test_vault_refuses_a_file_of_the_api_key_too(file: str) -> None:
    """A path is as good as a key."""
    assert mistakes(settings(vault__key_file=file, egress__api_key_file="none"), Role.VAULT)[0].startswith("egress.api_key_file:")


def test_a_key_that_everybody_can_read_is_refused(file: str) -> None:
    """Rights for others on a key file are a mistake; so is a file that is not there."""
    Path(file).chmod(0o604)
    assert "chmod" in mistakes(settings(vault__key_file=file), Role.VAULT)[0]
    assert "cannot be read" in mistakes(settings(vault__key_file=f"{file}.none"), Role.VAULT)[0]


def test_keys_of_other_providers_are_for_egress_alone(file: str) -> None:
    """As the default one's; and one of them is enough for egress to start."""
    access = json.dumps({"azure-eu": {"base_url": "https://eu.example/v1", "api_key_file": file}})
    key = "egress.providers.azure-eu.api_key_file:"
    assert any(line.startswith(key) for line in mistakes(settings(vault__key_file=file, egress__providers=access), Role.VAULT))
    assert any(line.startswith(key) for line in mistakes(settings(notary__signing_key_file=file, egress__providers=access), Role.NOTARY))
    check_role(settings(egress__providers=access, dead_letters__public_key_file=file), Role.EGRESS)
    Path(file).chmod(0o644)
    public = mistakes(settings(egress__providers=access, dead_letters__public_key=base64.b64encode(bytes(32)).decode()), Role.EGRESS)
    assert public == (f"{key} every user of the machine can read it; run chmod o-rwx on it",)


def test_files_of_other_providers_are_looked_for(tmp_path: Path, file: str) -> None:
    """Before the first call."""
    missing = json.dumps({"p": {"base_url": "https://eu.example/v1", "api_key_file": str(tmp_path / "k"), "ca_file": str(tmp_path / "c")}})
    found = mistakes(settings(egress__providers=missing, dead_letters__public_key_file=file), Role.EGRESS)
    assert [line.split(":")[0] for line in found] == ["egress.providers.p.api_key_file", "egress.providers.p.ca_file"]

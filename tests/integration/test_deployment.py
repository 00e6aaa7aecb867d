"""The compose file, the image's recipe and its locks: valid, and keeping the roles apart. No container is started here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from streamgate.bootstrap import create_keys, load
from streamgate.config import check_role, init
from streamgate.types import Role

ROOT = Path(__file__).parents[2]
ROLES = tuple(Role)
OWN_SECRET = {Role.VAULT: "vault-keys", Role.EGRESS: "provider-api-key", Role.NOTARY: "notary-signing-key"}
ALL_SERVICES = {"kafka", "topics", "vault", "egress", "notary", "prometheus"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The compose file with its defaults filled in and its anchors resolved."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    parsed: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))
    return parsed


def _rejected(document: dict[str, Any]) -> str | None:
    try:
        PyCompose.from_json(json.dumps(document)).validate()
    except ValueError as error:
        return str(error)
    return None


def test_the_compose_file_is_valid(compose: dict[str, Any]) -> None:
    """It follows the compose specification, names nothing that it does not define, and has the six services."""
    assert _rejected(compose) is None
    assert set(compose["services"]) == ALL_SERVICES


@pytest.mark.parametrize(("key", "value"), [("no_such_key", 1), ("networks", ["nowhere"]), ("secrets", ["nobody-s"])])
def test_the_check_of_the_compose_file_notices_mistakes(compose: dict[str, Any], key: str, value: object) -> None:
    """An unknown key, an undefined network and an undefined secret are rejected."""
    services = compose["services"] | {"vault": compose["services"]["vault"] | {key: value}}
    assert _rejected(compose | {"services": services}) is not None


def test_only_egress_has_a_way_out(compose: dict[str, Any]) -> None:
    """Every network is internal or cannot be left, but for one, and on that one stands egress alone."""
    networks = compose["networks"]
    assert networks["inside"] == {"internal": True}
    assert networks["loopback"]["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    assert set(networks) == {"inside", "loopback", "outward"}
    on = {name: set(service["networks"]) for name, service in compose["services"].items()}
    assert [name for name, its in on.items() if "outward" in its] == ["egress"]
    assert {name for name, its in on.items() if "loopback" in its} == {"kafka", "prometheus"}
    assert on["vault"] == on["notary"] == on["topics"] == {"inside"}


def test_no_service_holds_a_secret_of_another(compose: dict[str, Any]) -> None:
    """Each role is given its own secret as a file, and nothing else is given any."""
    held = {name: service.get("secrets", []) for name, service in compose["services"].items()}
    assert held == {name: [] for name in ALL_SERVICES} | {role.value: [secret] for role, secret in OWN_SECRET.items()}
    assert {name: set(source) for name, source in compose["secrets"].items()} == {name: {"file"} for name in OWN_SECRET.values()}
    assert not any(re.search(r"API_KEY$|PASSWORD$", variable) for role in ROLES for variable in compose["services"][role]["environment"])


@pytest.mark.parametrize("service", [*ROLES, "topics"])
def test_a_service_of_ours_may_do_little(compose: dict[str, Any], service: str) -> None:
    """It runs as an ordinary user on a read-only file system without capabilities, and publishes no port."""
    ours = compose["services"][service]
    assert ours["user"].split(":")[0] != "0"
    assert ours["read_only"] is True
    assert ours["cap_drop"] == ["ALL"]
    assert ours["security_opt"] == ["no-new-privileges:true"]
    assert not {"ports", "privileged", "cap_add", "volumes", "env_file"} & set(ours)


def test_published_ports_are_on_this_machine_only(compose: dict[str, Any]) -> None:
    """Kafka and Prometheus have no password here, so only this machine may reach them."""
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_ready_only_when_it_says_so(compose: dict[str, Any], role: Role) -> None:
    """Workers start after the topics are there, are asked on /readyz, and are scraped."""
    service = compose["services"][role]
    assert service["command"] == ["worker", "--role", role.value]
    assert service["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}
    assert "http://127.0.0.1:9464/readyz" in service["healthcheck"]["test"][-1]
    scraped = yaml.safe_load(compose["configs"]["prometheus"]["content"])["scrape_configs"][0]["static_configs"]
    assert {"targets": [f"{role}:9464"], "labels": {"role": role.value}} in scraped


@pytest.mark.parametrize("role", ROLES)
def test_a_worker_of_the_compose_file_would_start(compose: dict[str, Any], role: Role, tmp_path: Path) -> None:
    """With what ``streamgate init`` writes, the role's environment loads, and the role has what it needs and nothing it must not hold."""
    init(tmp_path)
    create_keys(tmp_path)
    provider = tmp_path / "keys" / "provider"
    provider.write_text("sk-planted")
    provider.chmod(0o600)
    places = {
        f"/run/secrets/{name}": tmp_path / Path(source["file"]).relative_to("streamgate-data")
        for name, source in compose["secrets"].items()
    }
    service = compose["services"][role]
    for config in service["configs"]:
        places[config["target"]] = tmp_path / Path(compose["configs"][config["source"]]["file"]).relative_to("streamgate-data")
    environment = {name: str(places.get(value, value)) for name, value in service["environment"].items()}
    installation = load(None, environment)
    check_role(installation.settings, role)
    assert installation.settings.kafka.bootstrap == "kafka:19092"
    assert installation.policy.tenants


def test_the_dockerfile_is_clean() -> None:
    """The linter finds nothing."""
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [linter, "--failure-threshold", "style", ROOT / "helm" / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_runs_as_nobody_in_particular() -> None:
    """The last stage starts streamgate under a numeric user that is not root, and installs nothing."""
    last = (ROOT / "helm" / "Dockerfile").read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert 'ENTRYPOINT ["streamgate"]' in last
    assert not re.search(r"pip install|apt", last)


def test_what_the_image_installs_is_locked() -> None:
    """Every dependency of pyproject.toml is in the lock at a version it allows, every entry has hashes, and none comes from elsewhere."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {"requirements.lock": project["project"]["dependencies"], "build.lock": project["build-system"]["requires"]}
    for name, dependencies in wanted.items():
        text = (ROOT / "helm" / name).read_text(encoding="utf-8")
        entries = re.split(r"\n(?=\S)", text.partition("\n")[2].strip())
        locked = {}
        for entry in (each for each in entries if not each.startswith("#")):
            found = re.match(r"([\w.\-]+)==(\S+) \\\n", entry)
            assert found is not None, entry[:80]
            assert "--hash=sha256:" in entry, found[1]
            locked[canonicalize_name(found[1])] = found[2]
        assert "://" not in text
        for dependency in map(Requirement, dependencies):
            assert locked[canonicalize_name(dependency.name)] in dependency.specifier, dependency.name

"""The Helm chart, rendered: valid objects of Kubernetes, roles that cannot read each other's keys, one way out. No cluster is needed."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamgate.bootstrap import load
from streamgate.config import check_role, init
from streamgate.config import load as load_settings
from streamgate.types import Role
from tests.fixtures_kafka import unavailable

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "streamgate"
KUBERNETES = "1.37.0"
TOOLS = {"helm": "helm.sh/helm/v3/cmd/helm@v3.22.0", "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"}
PUBLIC_KEY = base64.b64encode(bytes(32)).decode()
ROLES = tuple(Role)
VARIANTS = ("default", "secured")
# The first test builds both tools where they are not cached yet.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="session")
def tools() -> dict[str, Path]:
    """Helm and kubeconform, built once at these versions and kept outside the checkout."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streamgate" / "bin"
    found = {name: cache / source.rpartition("@")[2] / name for name, source in TOOLS.items()}
    for name, place in found.items():
        if place.exists():
            continue
        go = shutil.which("go")
        if go is None:
            unavailable(f"{name} is not cached and go is not on the path")
        draft = cache / f"draft-{os.getpid()}"
        built = subprocess.run(
            [go, "install", TOOLS[name]], env=os.environ | {"GOBIN": str(draft)}, capture_output=True, text=True, check=False
        )
        if built.returncode:
            unavailable(f"{name} could not be built: {built.stderr[-500:]}")
        place.parent.mkdir(parents=True, exist_ok=True)
        (draft / name).replace(place)
        draft.rmdir()
    return found


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings and policy as ``streamgate init`` writes them."""
    folder = tmp_path_factory.mktemp("written")
    init(folder)
    return folder


def _arguments(written: Path, variant: str) -> list[str]:
    given = ["--set-file", f"policy={written / 'policy.toml'}", "--set-file", f"settings={written / 'streamgate.toml'}"]
    given += ["--kube-version", KUBERNETES, "--set", f"deadLetters.publicKey={PUBLIC_KEY}"]
    return given if variant == "default" else [*given, "--values", str(CHART / "ci" / f"{variant}-values.yaml")]


def _template(tools: dict[str, Path], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tools["helm"], "template", "sg", CHART, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="session", params=VARIANTS)
def rendered(request: pytest.FixtureRequest, tools: dict[str, Path], written: Path) -> list[dict[str, Any]]:
    """What the chart renders, with its defaults and with the other end of what it can do."""
    done = _template(tools, *_arguments(written, request.param))
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kubernetes' schemas, each with the definitions it needs inside it, since kubeconform follows no reference to another file."""
    source = Path(str(files("kubernetes_validate"))) / "kubernetes-json-schema" / f"v{KUBERNETES}-local-strict"
    definitions = json.loads((source / "_definitions.json").read_text(encoding="utf-8"))["$defs"]
    target = tmp_path_factory.mktemp("schemas")
    for kind in (
        "configmap-v1",
        "serviceaccount-v1",
        "deployment-apps-v1",
        "job-batch-v1",
        "networkpolicy-networking-v1",
        "poddisruptionbudget-policy-v1",
    ):
        schema = json.loads((source / f"{kind}.json").read_text(encoding="utf-8"))
        schema.pop("$id", None)
        text = json.dumps(schema | {"$defs": _needed(json.dumps(schema), definitions)})
        (target / f"{kind}.json").write_text(re.sub(r'"[^"#]*_definitions\.json#/\$defs/', '"#/$defs/', text), encoding="utf-8")
    return target


def _needed(text: str, definitions: dict[str, Any]) -> dict[str, Any]:
    needed: dict[str, Any] = {}
    open_texts = [text]
    while open_texts:
        for name in re.findall(r'#/\$defs/([^"]+)"', open_texts.pop()):
            if name not in needed:
                needed[name] = definitions[name]
                open_texts.append(json.dumps(definitions[name]))
    return needed


def _of_kind(rendered: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {document["metadata"]["name"].removeprefix("sg-streamgate-"): document for document in rendered if document["kind"] == kind}


def _pods(rendered: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("Deployment", "Job"):
        for name, document in _of_kind(rendered, kind).items():
            yield name, document["spec"]["template"]["spec"]


def _conforms(tools: dict[str, Path], schemas: Path, documents: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    location = f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    command = [tools["kubeconform"], "-strict", "-summary", "-kubernetes-version", KUBERNETES, "-schema-location", location]
    return subprocess.run(command, input=yaml.safe_dump_all(documents), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("variant", VARIANTS)
def test_helm_lint_finds_nothing(tools: dict[str, Path], written: Path, variant: str) -> None:
    """The chart is sound in strict mode, and its values fit their schema."""
    done = subprocess.run(
        [tools["helm"], "lint", "--strict", CHART, *_arguments(written, variant)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_rendered_is_valid(tools: dict[str, Path], schemas: Path, rendered: list[dict[str, Any]]) -> None:
    """Every object fits Kubernetes' own schema, without an unknown field."""
    done = _conforms(tools, schemas, rendered)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Valid: {len(rendered)}, Invalid: 0, Errors: 0, Skipped: 0" in done.stdout


def test_the_validation_notices_an_unknown_field(tools: dict[str, Path], schemas: Path, rendered: list[dict[str, Any]]) -> None:
    """A misspelt field of a pod is an error, not something Kubernetes would drop in silence."""
    deployment = _of_kind(rendered, "Deployment")["vault"]
    wrong = json.loads(json.dumps(deployment))
    wrong["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRootFileSystem"] = True
    assert _conforms(tools, schemas, [wrong]).returncode != 0


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("--set-file", "policy=/dev/null"), "policy: missing"),
        (("--set", "deadLetters.publicKey="), "deadLetters.publicKey: missing"),
        (("--set", "deadLetters.publicKey=short"), "deadLetters"),
        (("--set", "roles.vault.secret="), "/roles/vault"),
        (("--set", "roles.vault.sceret=x"), "sceret"),
        (("--set", "network.kafka.peers[0].ipBlock.cidr=0.0.0.0/0"), "/network/kafka/peers"),
        (("--set", "network.registry.peers[0].ipBlock.cidr=::/0"), "/network/registry/peers"),
        (("--set", "kafka.security=sasl_plaintext"), "/kafka/security"),
        (("--set", "kafka.security=sasl_tls", "--set", "roles.egress.secret="), "egress: sasl_tls needs a Secret"),
    ],
)
def test_values_that_would_weaken_it_are_refused(tools: dict[str, Path], written: Path, given: tuple[str, ...], named: str) -> None:
    """Nothing is rendered without a policy, or with a way out for a role that must not have one; the message names the value."""
    done = _template(tools, *_arguments(written, "default"), *given)
    assert done.returncode != 0
    assert named in done.stderr


def test_every_container_may_do_little(rendered: list[dict[str, Any]]) -> None:
    """No root, no token, no capability, nothing writable but memory and sealed rows, the runtime's seccomp profile, and bounded memory."""
    for name, pod in _pods(rendered):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["serviceAccountName"] == f"sg-streamgate-{name}"
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            security = {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["securityContext"] == security
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
        for volume in pod["volumes"]:
            assert set(volume) <= {"name", "configMap", "secret", "emptyDir"}
            if volume["name"] == "state":
                assert volume["emptyDir"]["sizeLimit"]
            else:
                assert volume.get("emptyDir", {"medium": "Memory"})["medium"] == "Memory"
    for account in _of_kind(rendered, "ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False


def test_no_role_can_read_the_secret_of_another(rendered: list[dict[str, Any]]) -> None:
    """Each pod mounts one Secret at most, its own, and takes single keys of it; none reaches the environment."""
    own = {"vault": "vault.json", "egress": "api-key", "notary": "notary.pem"}
    mounted = {}
    for name, pod in _pods(rendered):
        secrets = [volume["secret"] for volume in pod["volumes"] if "secret" in volume]
        mounted |= {secret["secretName"]: name for secret in secrets}
        assert len(secrets) <= 1
        for secret in secrets:
            assert secret["defaultMode"] & 0o007 == 0
            others = {"kafka-password", *(["azure-eu"] if name == "egress" else [])}
            assert {item["key"] for item in secret["items"]} - others == ({own[name]} if name in own else set())
        assert not any("valueFrom" in variable for container in pod["containers"] for variable in container["env"])
        assert not any("envFrom" in container for container in pod["containers"])
    assert {secret: name for secret, name in mounted.items() if name in own} == {f"streamgate-{name}": name for name in own}


def test_other_providers_are_reached_by_egress_alone(tools: dict[str, Path], written: Path) -> None:
    """Their keys are files of egress's Secret, and the variable that names them is one that the settings take."""
    done = _template(tools, *_arguments(written, "secured"))
    for name, pod in _pods([document for document in yaml.safe_load_all(done.stdout) if document]):
        given = {variable["name"]: variable["value"] for variable in pod["containers"][0]["env"] if "EGRESS" in variable["name"]}
        if name != "egress":
            assert given == {}
            continue
        providers = load_settings(None, given).egress.providers
        assert {key: (access.base_url, access.api_key_file) for key, access in providers.items()} == {
            "azure-eu": ("https://example.openai.azure.com/openai/v1", Path("/run/streamgate/azure-eu")),
            "inside": ("http://models:8000/v1", None),
        }
        (copied,) = pod["initContainers"]
        assert "/run/secret/azure-eu" in copied["args"]


def _reaches(rule: dict[str, Any], address: str) -> bool:
    for peer in rule["to"]:
        block = peer.get("ipBlock")
        target = ip_address(address)
        if block and target in ip_network(block["cidr"]) and not any(target in ip_network(each) for each in block.get("except", ())):
            return True
    return False


def test_only_egress_reaches_the_outside(rendered: list[dict[str, Any]]) -> None:
    """Everything is denied first; then public addresses are open to egress alone, on 443 alone, and private ones never through that rule."""
    policies = _of_kind(rendered, "NetworkPolicy")
    assert policies["deny"]["spec"].keys() == {"podSelector", "policyTypes"}
    assert policies["deny"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert set(policies) == {"deny", "vault", "egress", "notary", "topics"}
    for name, policy in policies.items():
        rules = policy["spec"].get("egress", [])
        assert all(rule.get("to") and rule.get("ports") for rule in rules), f"{name}: a rule without peers or ports is open to all"
        outward = [rule for rule in rules if _reaches(rule, "93.184.215.14") or _reaches(rule, "2606:2800:220:1::1")]
        assert [rule["ports"] for rule in outward] == ([[{"protocol": "TCP", "port": 443}]] if name == "egress" else [])
        for private in ("10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "127.0.0.1", "fd00::1", "fe80::1", "::1"):
            assert not any(_reaches(rule, private) for rule in outward), private


def test_metrics_are_open_to_monitoring_alone(rendered: list[dict[str, Any]]) -> None:
    """The one way in is the metrics port, from namespaces with the label."""
    policies = _of_kind(rendered, "NetworkPolicy")
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    for role in ROLES:
        assert policies[role]["spec"]["ingress"] == [{"from": [monitoring], "ports": [{"protocol": "TCP", "port": "metrics"}]}]
    assert "ingress" not in policies["topics"]["spec"]


def test_each_role_is_probed_and_may_be_evicted_one_at_a_time(rendered: list[dict[str, Any]]) -> None:
    """A role is restarted by /healthz, gets no rollout past /readyz, and is never evicted whole."""
    for role in ROLES:
        (container,) = _of_kind(rendered, "Deployment")[role]["spec"]["template"]["spec"]["containers"]
        assert container["args"] == ["worker", "--role", role.value]
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
        assert _of_kind(rendered, "PodDisruptionBudget")[role]["spec"]["maxUnavailable"] == 1


def test_topics_are_made_before_anything_is_installed(rendered: list[dict[str, Any]]) -> None:
    """The Job is a hook, and whatever it needs is one too and comes before it."""
    job = _of_kind(rendered, "Job")["topics"]
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["topics", "apply"]
    for kind in ("Job", "ConfigMap", "ServiceAccount", "NetworkPolicy"):
        annotations = _of_kind(rendered, kind)["topics"]["metadata"]["annotations"]
        assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert int(annotations["helm.sh/hook-weight"]) < 0 or kind == "Job"


@pytest.mark.parametrize("role", [*ROLES, None])
def test_a_pod_of_the_chart_would_start(rendered: list[dict[str, Any]], role: Role | None, tmp_path: Path) -> None:
    """Settings, policy and environment load, and the role has what it needs and nothing it must not hold."""
    pod = dict(_pods(rendered))[role or "topics"]
    for volume in pod["volumes"]:
        place = tmp_path / volume["name"]
        place.mkdir()
        for name, text in _of_kind(rendered, "ConfigMap").items():
            if volume.get("configMap", {}).get("name", "").removeprefix("sg-streamgate-") == name:
                for file, content in text["data"].items():
                    (place / file).write_text(content, encoding="utf-8")
    (tmp_path / "ca").mkdir(exist_ok=True)
    (tmp_path / "ca" / "ca.pem").write_text("planted")
    for container in pod.get("initContainers", []):
        assert container["command"][:3] == ["install", "-m", "0400"]
        for file in container["args"]:
            (tmp_path / "keys" / Path(file).name).write_text("planted")
            (tmp_path / "keys" / Path(file).name).chmod(0o400)
    (container,) = pod["containers"]
    places = {mount["mountPath"]: tmp_path / mount["name"] for mount in container["volumeMounts"]}
    in_a_mount = re.compile(rf'(^|")({"|".join(places)})/(?=[^/]*("|$))')
    environment = {}
    for variable in container["env"]:
        environment[variable["name"]] = in_a_mount.sub(lambda found: f"{found[1]}{places[found[2]]}/", variable["value"])
    installation = load(None, environment)
    assert installation.settings.telemetry.metrics_host == "0.0.0.0"  # noqa: S104  in a pod, behind a network policy
    if role is not None:
        check_role(installation.settings, role)

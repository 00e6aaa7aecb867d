"""Settings: the environment over the file over the defaults, and every mistake at once."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from streamgate.config import Settings, load, read_secret
from streamgate.errors import ConfigError


def written(directory: Path, text: str) -> Path:
    path = directory / "settings.toml"
    path.write_text(text)
    return path


def mistakes(path: Path | None, environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    return caught.value.problems


def test_environment_over_file_over_default(tmp_path: Path) -> None:
    """Each setting comes from the nearest place, and says from which."""
    path = written(tmp_path, '[kafka]\nbootstrap = "file:1"\npartitions = 3\n')
    settings = load(path, {"STREAMGATE_KAFKA__PARTITIONS": "4"})
    assert (settings.kafka.bootstrap, settings.kafka.partitions, settings.kafka.prefix) == ("file:1", 4, "streamgate.")
    assert settings.source("kafka.bootstrap") == "file"
    assert settings.source("kafka.partitions") == "STREAMGATE_KAFKA__PARTITIONS"
    assert settings.source("kafka.prefix") == "default"


def test_the_file_can_be_named_by_the_environment(tmp_path: Path) -> None:
    """STREAMGATE_CONFIG names the file; --config goes before it."""
    first, second = written(tmp_path, "[runtime]\npool = 1\n"), tmp_path / "second.toml"
    second.write_text("[runtime]\npool = 2\n")
    environ = {"STREAMGATE_CONFIG": str(first)}
    assert load(None, environ).runtime.pool == 1
    assert load(second, environ).runtime.pool == 2


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    """A missing file is a mistake, not the defaults."""
    assert "cannot be read" in mistakes(tmp_path / "none.toml", {})[0]


def test_settings_read_no_environment_by_themselves() -> None:
    """Building Settings heeds what is passed and nothing else: every value is its default."""
    assert Settings().model_dump() == load(None, {}).model_dump()


def test_paths_are_taken_from_where_they_stand(tmp_path: Path) -> None:
    """In the file: from its directory; in the environment: as they are."""
    path = written(tmp_path, '[vault]\nkey_file = "keys/root"\n')
    settings = load(path, {"STREAMGATE_NOTARY__SIGNING_KEY_FILE": "here.pem"})
    assert settings.vault.key_file == tmp_path / "keys/root"
    assert settings.notary.signing_key_file == Path("here.pem")


def test_relative_paths_of_providers_are_taken_from_the_same_places(tmp_path: Path) -> None:
    """Tables of tables are no exception."""
    path = written(tmp_path, '[egress.providers.azure-eu]\nbase_url = "https://eu.example/v1"\napi_key_file = "keys/eu"\n')
    access = load(path, {}).egress.providers["azure-eu"]
    assert (access.api_key_file, access.ca_file) == (tmp_path / "keys/eu", None)


def test_the_default_provider_has_one_place() -> None:
    """Two would have to be compared."""
    with pytest.raises(ConfigError, match=r"egress\.base_url"):
        load(None, {"STREAMGATE_EGRESS__PROVIDERS": json.dumps({"default": {"base_url": "https://eu.example/v1"}})})


INSIDE = [
    *("127.0.0.1:8000", "[::1]:8000", "localhost", "10.1.2.3", "172.16.0.1", "192.168.1.1", "[fd00::1]", "[::ffff:10.0.0.1]"),
    *("models:8000", "models.ns.svc", "models.ns.svc.cluster.local", "Models.Local.", "host.docker.internal"),
]
OUTSIDE = [
    *("models.example", "api.openai.com", "8.8.8.8", "172.32.0.1", "192.0.2.1", "[2001:db8::1]", "[::ffff:8.8.8.8]", "169.254.0.1"),
    *("134744072", "0x8080808", "127.1", "local.example", "evil\u3002example", "evil.example\\.local", "notlocal.example.xlocal"),
]


@pytest.mark.parametrize("host", INSIDE)
def test_a_provider_inside_may_be_called_in_the_clear(host: str) -> None:
    """This machine, a private network, a cluster: there is often no certificate there."""
    environ = {
        "STREAMGATE_EGRESS__BASE_URL": f"http://{host}/v1",
        "STREAMGATE_EGRESS__PROVIDERS": json.dumps({"x": {"base_url": f"http://{host}/v1"}}),
    }
    assert load(None, environ).egress.base_url == f"http://{host}/v1"


@pytest.mark.parametrize("host", OUTSIDE)
def test_a_provider_outside_is_called_by_https_only(host: str) -> None:
    """Each is told to write it, and is not quoted; also what a resolver would take for an address outside."""
    environ = {
        "STREAMGATE_EGRESS__BASE_URL": f"http://{host}/v1",
        "STREAMGATE_EGRESS__PROVIDERS": json.dumps({"x": {"base_url": f"http://{host}/v1"}}),
    }
    problems = mistakes(None, environ)
    assert [problem.split(":")[0].split()[0] for problem in problems] == ["egress.base_url", "egress.providers.x.base_url"]
    assert all("write https://" in problem and host not in problem for problem in problems)
    assert load(None, {"STREAMGATE_EGRESS__BASE_URL": "https://models.example/v1"}).egress.base_url == "https://models.example/v1"


def test_empty_variables_are_not_set() -> None:
    """As compose files write them."""
    assert load(None, {"STREAMGATE_EGRESS__API_KEY": ""}).egress.api_key is None


def test_a_table_in_the_environment_is_json() -> None:
    """Budgets by model, merged over the file's like every table."""
    settings = load(None, {"STREAMGATE_EGRESS__BUDGETS": json.dumps({"gpt-4o-mini": {"requests_per_minute": 7}})})
    assert settings.egress.budgets["gpt-4o-mini"].requests_per_minute == 7


def test_every_mistake_at_once(tmp_path: Path) -> None:
    """File and environment, single settings and settings together: all in one list, each with its place and a next step."""
    path = written(
        tmp_path,
        '[kafka]\npartitions = "many"\nbotstrap = "x:1"\n[kafak]\n[telemetry]\nlog_format = "xml"\n[schemas]\nregistry_user = "u"\n[runtime]\npool = 0\n',
    )
    found = mistakes(
        path,
        {
            "STREAMGATE_EGRESS__API_KEEY": "x",
            "STREAMGATE_EGRESS__BUDGETS": "{",
            "STREAMGATE_KAFKA__SECURITY": "ssl",
            "STREAMGATE_PROFILE": "demo",
        },
    )
    assert {line.split(":")[0].split(" ")[0] for line in found} == {
        "kafka.partitions",
        "kafka.botstrap",
        "kafak",
        "telemetry.log_format",
        "schemas.registry_url",
        "schemas.registry_password_file",
        "runtime.pool",
        "egress.budgets",
        "kafka.security",
        "STREAMGATE_EGRESS__API_KEEY",
        "STREAMGATE_PROFILE",
    }
    assert all(": " in line and ("; " in line or "did you mean" in line or "known here" in line) for line in found)
    assert any("did you mean bootstrap?" in line for line in found)
    assert any("did you mean STREAMGATE_EGRESS__API_KEY?" in line for line in found)


def test_what_kubernetes_sets_is_left_alone() -> None:
    """Variables of a Service named streamgate-vault are no settings."""
    environ = {
        "STREAMGATE_SERVICE_HOST": "10.0.0.1",
        "STREAMGATE_VAULT_SERVICE_PORT_METRICS": "9464",
        "STREAMGATE_VAULT_PORT_9464_TCP_ADDR": "10.0.0.1",
        "STREAMGATE_TEST_KAFKA": "127.0.0.1:9092",
        "HOME": "/",
    }
    assert load(None, environ).kafka.bootstrap == "127.0.0.1:9092"


@pytest.mark.parametrize(
    "environ",
    [
        {"STREAMGATE_DEAD_LETTERS__PUBLIC_KEY": "PLANTED"},
        {"STREAMGATE_EGRESS__BASE_URL": "https://user:PLANTED@host/v1"},
        {"STREAMGATE_EGRESS__BASE_URL": "PLANTED"},
        {"STREAMGATE_KAFKA__BOOTSTRAP": "PLANTED"},
        {"STREAMGATE_KAFKA__SASL_PASSWORD": "PLANTED"},
        {"STREAMGATE_EGRESS__API_KEY": "PLANTED", "STREAMGATE_EGRESS__API_KEY_FILE": "x"},
        {"STREAMGATE_EGRESS__BUDGETS": '"PLANTED"'},
        {"STREAMGATE_EGRESS__BUDGETS": "PLANTED"},
        {"STREAMGATE_RUNTIME__POOL": "PLANTED"},
        {"STREAMGATE_RUNTIME__SECRET": "PLANTED"},
        {"STREAMGATE_KAFKA__SECURITY": "PLANTED"},
        {"STREAMGATE_KAFKA__EMBEDDED": "PLANTED"},
        {"STREAMGATE_RUNTIME__DRAIN_SECONDS": "PLANTED"},
    ],
    ids=str,
)
def test_no_value_stands_in_a_problem(environ: dict[str, str]) -> None:
    """Whatever was written, and where: problems name places, never values."""
    assert "PLANTED" not in "\n".join(mistakes(None, environ))


@pytest.mark.parametrize(
    "text",
    [
        '[egress]\napi_key = "PLANTED',
        'egress = "PLANTED"',
        '[egress]\napi_key = ["PLANTED"]',
        "[egress]\napi_key = PLANTED",
        '[egress."x"]\n"y" = "PLANTED"',
    ],
)
def test_no_value_of_a_file_stands_in_a_problem(tmp_path: Path, text: str) -> None:
    """Also where the file is not even TOML."""
    assert "PLANTED" not in "\n".join(mistakes(written(tmp_path, text), {}))


def test_sasl_is_complete_or_absent() -> None:
    """A password without SASL would have no effect, and SASL without a password would not start."""
    assert mistakes(None, {"STREAMGATE_KAFKA__SECURITY": "sasl_tls"})[0].startswith("kafka.sasl_user: missing")
    assert "no effect" in mistakes(None, {"STREAMGATE_KAFKA__SASL_USER": "u"})[0]
    assert "no effect" in mistakes(None, {"STREAMGATE_KAFKA__TLS_CA_FILE": "ca.pem"})[0]
    environ = {"STREAMGATE_KAFKA__SECURITY": "sasl_tls", "STREAMGATE_KAFKA__SASL_USER": "u", "STREAMGATE_KAFKA__SASL_PASSWORD": "p"}
    assert load(None, environ).kafka.sasl_password == SecretStr("p")


def test_secrets_from_files(tmp_path: Path) -> None:
    """White space around is not part of it; an empty or missing file is a mistake."""
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    assert read_secret(None, file, "egress.api_key_file") == SecretStr("s3cret")
    assert read_secret(SecretStr("direct"), None, "egress.api_key_file") == SecretStr("direct")
    assert read_secret(None, None, "egress.api_key_file") is None
    file.write_text("\n")
    for path in (file, tmp_path / "none"):
        with pytest.raises(ConfigError):
            read_secret(None, path, "egress.api_key_file")

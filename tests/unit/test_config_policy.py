"""The policy file: what it does not name is denied, and every mistake is told at once."""

from pathlib import Path

import pytest

from streamgate.config import init, load, load_policy
from streamgate.consent import Allowed, Basis, ConsentState, Denied, decide
from streamgate.errors import Code, ConfigError

HEAD = """
[controller]
name = "c"
contact = "c"
dpo_contact = "d"
complaint_authority = "a"
[providers.default]
name = "P"
location = "l"
transfer_mechanism = "m"
abuse_log_days = 30
residency = "US"
[tenants.acme]
"""
PURPOSE = '[purposes.support]\nbasis = "contract"\ndescription = "d"\ntenants = ["acme"]\nmodels = ["m"]\nretention_days = 1\n'


def mistakes(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_policy(text)
    return caught.value.problems


def test_what_init_writes_loads_and_works_at_once(tmp_path: Path) -> None:
    """Both files load; the first purpose is allowed for a subject that said nothing, and consent is asked for where it is the basis."""
    written = init(tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in written)
    policy = load_policy(load(written[0], {}).policy_file)
    assert list(policy.purposes) == ["support", "clinical", "hr", "marketing-drafts"]
    assert set(policy.tenants) == {"acme", "globex"}
    assert policy.models() == ("gpt-4o-mini",)
    first, *_, last = policy.purposes.values()
    assert isinstance(decide(first, ConsentState()), Allowed)
    assert decide(last, ConsentState()) == Denied(Code.NO_CONSENT)
    assert all(purpose.tenants == ("acme", "globex") for purpose in policy.purposes.values())
    acme = policy.tenant("acme")
    assert acme is not None
    assert acme.reply_topics[0] == "responses"


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """Without force, an existing file is a mistake and neither file is touched."""
    (tmp_path / "policy.toml").write_text("mine")
    with pytest.raises(ConfigError):
        init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["policy.toml"]
    init(tmp_path, force=True)
    assert (tmp_path / "policy.toml").read_text() != "mine"


def test_defaults() -> None:
    """Recipients are the provider, the reply topic is responses, and nobody is a tenant of a purpose that names none."""
    policy = load_policy(HEAD + PURPOSE.replace('tenants = ["acme"]\n', ""))
    purpose = policy.purpose("support")
    assert purpose is not None
    assert (purpose.tenants, purpose.recipients, purpose.deadline_seconds) == ((), ("P",), 120.0)
    assert policy.reply_topics() == ("responses",)
    assert policy.purpose("other") is None
    assert policy.tenant("other") is None
    assert policy.retention_days["responses"] == 7


def test_the_version_follows_the_content() -> None:
    """Comments and order leave it; a value changes it. The digest is pinned."""
    version = load_policy(HEAD + PURPOSE).version
    assert version == "b8d8e291f488e8c4"
    assert load_policy(PURPOSE + "# comment\n" + HEAD).version == version
    assert load_policy(HEAD + PURPOSE.replace('["m"]', '["n"]')).version != version


def test_every_mistake_at_once() -> None:
    """Unknown keys, unknown tenants, bad names, bad values and missing parts stand in one list."""
    text = (
        'purpose = 1\n[controller]\nname = "c"\n[tenants.acme]\nreply_topic = ["x"]\n[tenants."a b"]\n[retention_days]\npromts = 1\n'
        '[purposes.support]\nbasis = "contrakt"\ntenants = ["acne"]\nmodels = []\ndescription = "d"\nretention_days = -1\n[purposes.Big]\n'
    )
    places = {line.split(":")[0] for line in mistakes(text)}
    assert places >= {
        "purpose",
        "controller.contact",
        "controller.dpo_contact",
        "controller.complaint_authority",
        "providers",
        "tenants.acme.reply_topic",
        "tenants.a b",
        "retention_days.promts",
        "purposes.support.basis",
        "purposes.support.tenants.0",
        "purposes.support.models",
        "purposes.support.retention_days",
        "purposes.Big",
        "purposes.Big.basis",
    }


@pytest.mark.parametrize(
    "topic", ["", ".", "..", "a b", "a/b", "x" * 150, "prompts", "audit", "standing", "vault-retries", "egress-retries", "state.vault", "ü"]
)
def test_reply_topics_are_valid_and_not_our_own(topic: str) -> None:
    """An answer never goes to a topic that streamgate reads, and never to a name that Kafka refuses."""
    assert mistakes(f'{HEAD}reply_topics = ["{topic}"]\n{PURPOSE}')[0].startswith("tenants.acme.reply_topics.0:")


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("max_deadline_seconds = 1.0", "max_deadline_seconds"),
        ("special_categories = true", "special_category_condition"),
        ('special_category_condition = "h"', "special_category_condition"),
        ('special_categories = true\nspecial_category_condition = "a"', "special_category_condition"),
        ('recipients = ["somebody else"]', "recipients"),
        ('models = ["m", "m"]', "models"),
    ],
)
def test_what_does_not_go_together(line: str, place: str) -> None:
    """Deadlines, Art. 9 conditions and recipients are checked against each other."""
    purpose = PURPOSE.replace('models = ["m"]\n', "") if line.startswith("models") else PURPOSE
    assert mistakes(f"{HEAD}{purpose}{line}\n")[0].startswith(f"purposes.support.{place}:")


@pytest.mark.parametrize("basis", list(Basis))
def test_the_right_to_stop_cannot_be_switched_off(basis: Basis) -> None:
    """objection_allowed = false is refused where the law gives the right (Art. 7(3), 21), and pointless elsewhere."""
    text = HEAD + PURPOSE.replace('"contract"', f'"{basis}"') + "objection_allowed = false\n"
    if basis in {Basis.CONSENT, Basis.PUBLIC_TASK, Basis.LEGITIMATE_INTERESTS}:
        assert mistakes(text)[0].startswith("purposes.support.objection_allowed:")
    else:
        assert load_policy(text).purposes["support"].stoppable is False


EU = """
[providers.azure-eu]
name = "Azure"
location = "Sweden"
residency = "EU"
transfer_mechanism = "none needed"
abuse_log_days = 0
"""


def test_models_lie_with_providers() -> None:
    """Named by the part before the first slash; without one, with the default provider. One name for each, however it was written."""
    text = PURPOSE.replace('["m"]', '["default/m", "azure-eu/m", "default/a/b"]') + 'fallbacks = ["azure-eu/n", "m2"]\n'
    policy = load_policy(HEAD + EU + text)
    purpose = policy.purposes["support"]
    assert (purpose.models, purpose.fallbacks) == (("m", "azure-eu/m", "default/a/b"), ("azure-eu/n", "m2"))
    assert (purpose.providers, purpose.recipients) == (("default", "azure-eu"), ("P", "Azure"))
    assert policy.models() == ("azure-eu/m", "azure-eu/n", "default/a/b", "m", "m2")
    assert [provider.name for provider in policy.used_providers()] == ["Azure", "P"]
    assert [provider.name for provider in load_policy(HEAD + EU + PURPOSE).used_providers()] == ["P"]


@pytest.mark.parametrize(
    ("lines", "place", "words"),
    [
        ('models = ["azur-eu/m"]', "models.0", "did you mean azure-eu"),
        ('models = ["m"]\nfallbacks = ["azur-eu/m"]', "fallbacks.0", "did you mean azure-eu"),
        ('models = ["m", "default/m"]', "models", "twice"),
        ('models = ["azure-eu/"]', "models.0", "provider/model"),
        ('models = ["m"]\nfallbacks = ["m"]', "fallbacks.0", "only model"),
        ('models = ["m"]\nresidency = ["EU"]', "models.0", "the purpose allows EU"),
        ('models = ["azure-eu/m"]\nfallbacks = ["m"]\nresidency = ["EU", "CH"]', "fallbacks.0", "the purpose allows EU, CH"),
        ('models = ["m"]\nmax_abuse_log_days = 29', "models.0", "keeps prompts for 30 days"),
        ('models = ["azure-eu/m"]\nfallbacks = ["m"]\nmax_abuse_log_days = 0', "fallbacks.0", "keeps prompts for 30 days"),
        ('models = ["m"]\nfallbacks = ["azure-eu/m"]\nrecipients = ["P"]', "recipients", "add providers.azure-eu.name"),
        ('models = ["m"]\nresidency = ["Europe"]', "residency.0", ""),
    ],
)
def test_a_model_outside_what_its_purpose_allows_is_a_mistake(lines: str, place: str, words: str) -> None:
    """Found when the policy is read, fallbacks included: no prompt finds out. A mistyped provider is none, never the default one."""
    found = mistakes(HEAD + EU + PURPOSE.replace('models = ["m"]', lines))
    assert found[0].startswith(f"purposes.support.{place}:")
    assert words in found[0]


def test_what_lies_within_is_none() -> None:
    """Residency and retention of every model and fallback."""
    lines = 'models = ["azure-eu/m"]\nresidency = ["EU"]\nmax_abuse_log_days = 0'
    policy = load_policy(HEAD + EU + PURPOSE.replace('models = ["m"]', lines))
    assert policy.purposes["support"].residency == ("EU",)


def test_there_is_a_default_provider() -> None:
    """And the old name of the table is told what it is now."""
    assert mistakes(HEAD.replace("[providers.default]", "[providers.other]") + PURPOSE)[0].startswith("providers.default: missing")
    assert any("did you mean providers?" in line for line in mistakes(HEAD.replace("[providers.default]", "[provider]") + PURPOSE))
    assert mistakes(HEAD + EU.replace("azure-eu", "Azure_EU") + PURPOSE)[0].startswith("providers.Azure_EU:")

"""The privacy notice says what happens, field by field and purpose by purpose."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from streamgate.config import init, load_policy
from streamgate.consent import Policy
from streamgate.rights import NOT_KEPT_EMBEDDED, Horizons, generate


@dataclass(frozen=True)
class Annotation:
    action: str
    role: str | None = None
    entity: str | None = None
    how: str | None = None
    size: float | None = None
    keep_last: int | None = None
    purposes: tuple[str, ...] | None = None


RULES = {
    "prompts": {
        "context.customer_name": Annotation("tokenise", entity="PERSON"),
        "context.birth_date": Annotation("generalise", how="decade"),
        "context.order_total": Annotation("generalise", how="bucket", size=100),
        "context.card_number": Annotation("mask", keep_last=4),
        "context.health_note": Annotation("scan", purposes=("clinical",)),
        "context.segment": Annotation("drop"),
        "context.odd": Annotation("a-new-action"),
        "messages": Annotation("keep", role="messages"),
        "subject": Annotation("pseudonymise", role="subject"),
    }
}
HORIZONS = Horizons({"streamgate.prompts": 1}, {"OpenAI": 30}, 60)


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    return load_policy(init(tmp_path)[1])


def test_every_field_is_told(policy: Policy) -> None:
    """Each path stands in the notice with what happens to it; an action without words is told as dropped."""
    notice = generate(policy, RULES, HORIZONS)
    for path, words in {
        "context.customer_name": "token (person)",
        "context.birth_date": "reduced to the decade",
        "context.order_total": "steps of 100",
        "context.card_number": "except its last 4 characters",
        "context.health_note": "only for clinical",
        "context.segment": "removed at once",
        "context.odd": "removed at once",
        "messages": "container",
        "subject": "keyed code",
    }.items():
        row = next(line for line in notice.splitlines() if line.startswith(f"| `{path}` |"))
        assert words in row


def test_every_purpose_is_told(policy: Policy) -> None:
    """With its basis, article, recipients, retention and whether it can be stopped."""
    notice = generate(policy, RULES, HORIZONS)
    rows = {name: next(line for line in notice.splitlines() if line.startswith(f"| {name} |")) for name in policy.purposes}
    assert "Art. 6(1)(b)" in rows["support"]
    assert "no: an objection does not stop it" in rows["support"]
    assert "Art. 9(2)(h)" in rows["clinical"]
    assert "Art. 21" in rows["hr"]
    assert "withdraw it at any time" in rows["marketing-drafts"]


def test_a_replay_is_told_to_begin_retention_anew(policy: Policy) -> None:
    """Each one that fails makes another dead letter."""
    assert "these days begin anew, and again for the dead letter\nof each replay that fails" in generate(policy, RULES, HORIZONS)


def test_what_articles_13_and_14_ask_for(policy: Policy) -> None:
    """Controller, officer, recipients, transfers, retention, rights, complaint, automated decisions."""
    notice = generate(policy, RULES, HORIZONS)
    for part in (
        policy.controller.name,
        policy.controller.dpo_contact,
        policy.controller.complaint_authority,
        policy.providers["default"].name,
        policy.providers["default"].location,
        policy.providers["default"].transfer_mechanism,
        "30 days",
        policy.version,
        "Art. 17",
        "Art. 22",
    ):
        assert part in notice


def test_every_provider_that_prompts_may_go_to_is_told(tmp_path: Path) -> None:
    """Fallbacks included, with place, transfer and logs; a provider that no purpose uses is not."""
    text = init(tmp_path)[1].read_text(encoding="utf-8")
    table = '[providers.{}]\nname = "{}"\nlocation = "{}"\nresidency = "EU"\ntransfer_mechanism = "adequacy"\nabuse_log_days = 3\n'
    text += table.format("azure-eu", "Azure OpenAI", "Sweden") + table.format("unused", "Nobody", "Nowhere")
    text = text.replace('# fallbacks = ["azure-eu/gpt-4o-mini"]', 'fallbacks = ["azure-eu/gpt-4o-mini"]')
    notice = generate(load_policy(text), RULES, HORIZONS)
    assert "**Azure OpenAI** (Sweden; processed in: EU). Basis of the transfer: adequacy." in notice
    assert "**OpenAI** (United States; processed in: US)." in notice
    assert "abuse logs of Azure OpenAI: up to 3 days" in notice
    assert "- support: OpenAI, Azure OpenAI; providers: OpenAI, Azure OpenAI" in notice
    assert "- hr: OpenAI; providers: OpenAI\n" in notice
    assert "Nobody" not in notice


def test_it_is_true_about_what_is_missing(policy: Policy) -> None:
    """Correction and restriction are not automated, detection is not perfect, and the notice says so."""
    notice = generate(policy, RULES, HORIZONS)
    assert "Correction (Art. 16)**: not automated" in notice
    assert "Restriction (Art. 18)**: not automated" in notice
    assert "Detection in free text is not perfect" in notice


def test_the_embedded_profile_stands_in_the_notice(policy: Policy) -> None:
    """What the demo does not keep is told to the person it concerns."""
    notice = generate(policy, RULES, Horizons({}, {"OpenAI": 30}, 60, embedded=True))
    assert all(promise in notice for promise in NOT_KEPT_EMBEDDED)


def test_the_same_inputs_give_the_same_text(policy: Policy) -> None:
    """It can be kept beside the policy and compared."""
    reordered = {"prompts": dict(reversed(RULES["prompts"].items()))}
    assert generate(policy, RULES, HORIZONS) == generate(policy, reordered, HORIZONS)

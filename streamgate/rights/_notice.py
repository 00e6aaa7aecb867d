"""The privacy notice (GDPR Art. 13 and 14), as Markdown, generated from the policy and the schemas' annotations.

It says what this code does, including what it does not do yet; it is a draft for the privacy officer, and no legal advice. The same
inputs give the same text, so it can be kept beside the policy and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from streamgate.rights._horizons import Horizons
from streamgate.rights._policy import NoticePolicy, NoticePurpose
from streamgate.rights._words import Rule, treatment

_RIGHTS: Final = (
    (
        "Withdraw, object, opt out (Art. 7(3), 21; CCPA)",
        (
            "for one purpose or for all. It is looked at when a prompt is read, right before the model is called and before the answer is "
            "published. Purposes that cannot be stopped, as listed above, go on."
        ),
    ),
    ("Access and portability (Art. 15, 20)", "a JSON document of what is held, and of where copies are."),
    (
        "Erasure (Art. 17)",
        (
            "your keys are destroyed, and with them everything sealed under them. You get a receipt. Your decisions are erased too, "
            "objections included: should somebody send a prompt about you again, object again."
        ),
    ),
    (
        "Correction (Art. 16)",
        (
            "not automated. No content about you is kept here that could be changed: the sender corrects its own data and sends anew. "
            "To break the link to what was sent before, ask for erasure first."
        ),
    ),
    ("Restriction (Art. 18)", "not automated. Withdrawing for all purposes stops those that can be stopped."),
)


def generate(policy: NoticePolicy, rules: Mapping[str, Mapping[str, Rule]], horizons: Horizons) -> str:
    """The notice. ``rules`` are the field rules by topic and path, of every topic on which personal data comes in."""
    lines = [
        *_who(policy),
        *_what(rules),
        *_why(policy),
        *_recipients(policy),
        *_how_long(policy, horizons),
        *_rights(policy),
        *_decisions(),
        *_limits(horizons),
    ]
    return "\n".join(lines) + "\n"


def _who(policy: NoticePolicy) -> Iterator[str]:
    controller = policy.controller
    yield "# Privacy notice: answers prepared with a language model"
    yield f"\nPolicy version {policy.version}. Generated from the policy and the schemas; to be reviewed before it is published."
    yield f"\n**Controller:** {controller.name}, {controller.contact}  "
    yield f"**Data protection officer:** {controller.dpo_contact}"


def _what(rules: Mapping[str, Mapping[str, Rule]]) -> Iterator[str]:
    yield "\n## What is collected, and what happens to it"
    yield "\nA field that is not listed is dropped. Detection in free text is not perfect: what it does not recognise stays in the text."
    for topic, fields in sorted(rules.items()):
        yield f"\n### {topic}"
        yield "\n| field | what happens to it |\n|---|---|"
        for path, rule in sorted(fields.items()):
            yield f"| `{path}` | {treatment(rule)} |"


def _why(policy: NoticePolicy) -> Iterator[str]:
    yield "\n## Why, and on what basis"
    yield "\n| purpose | what for | basis | can be stopped |\n|---|---|---|---|"
    for name, purpose in sorted(policy.purposes.items()):
        basis = f"{purpose.basis.replace('_', ' ')}, {purpose.article}"
        if purpose.special_categories:
            basis += f"; special categories, GDPR Art. 9(2)({purpose.special_category_condition or 'a'})"
        yield f"| {name} | {_cell(purpose.description)} | {basis} | {_stop(purpose)} |"


def _stop(purpose: NoticePurpose) -> str:
    if purpose.basis == "consent":
        return "yes: nothing is done without your consent, and you can withdraw it at any time (Art. 7(3))"
    if purpose.stoppable:
        return "yes: you can object or opt out (Art. 21)"
    return "no: an objection does not stop it"


def _recipients(policy: NoticePolicy) -> Iterator[str]:
    yield "\n## Who gets it, and transfers"
    yield "\nProviders of models. One gets the prompt with tokens in place of what was detected or marked, and a keyed identifier for you"
    yield "that differs by purpose. It is asked not to store the call (`store=false`)."
    for provider in policy.used_providers():
        where = f"{provider.location}; processed in: {provider.residency}"
        yield f"\n- **{provider.name}** ({where}). Basis of the transfer: {provider.transfer_mechanism}."
    yield "\nRecipients by purpose, and the providers to which its prompts may go, the later ones where the earlier ones fail:"
    for name, purpose in sorted(policy.purposes.items()):
        providers = ", ".join(policy.providers[each].name for each in purpose.providers)
        yield f"\n- {name}: {', '.join(purpose.recipients)}; providers: {providers}"
    batched = sorted(name for name, purpose in policy.purposes.items() if purpose.batch)
    if batched:
        yield f"\nFor {', '.join(batched)}, prompts marked for it are sent as files of many, which the model's"
        yield "provider holds while it answers them, for 24 hours at most. Files and results are deleted when the answers are published;"
        yield "by themselves after 3 days, where the provider heeds it."
        yield "A withdrawal or an erasure while a file is there does not take it back; no answer is published then."


def _how_long(policy: NoticePolicy, horizons: Horizons) -> Iterator[str]:
    yield "\n## How long"
    for topic, days in sorted(horizons.topic_retention_days.items()):
        yield f"\n- records on the topic `{topic}`: {days} days"
    yield "\n- what could not be processed and is replayed by an operator: these days begin anew, and again for the dead letter"
    yield "of each replay that fails"
    for provider in policy.used_providers():
        yield f"\n- abuse logs of {provider.name}: up to {provider.abuse_log_days} days"
    for name, purpose in sorted(policy.purposes.items()):
        yield f"\n- answers for the purpose {name}, where the controller keeps them: {purpose.retention_days} days"
    yield "\n- your key, your decisions and the list of what was asked when (not what was asked): until you are erased"
    yield "\n- the audit log: codes, counts and a random reference, which an erasure separates from you"


def _rights(policy: NoticePolicy) -> Iterator[str]:
    yield "\n## Your rights"
    yield f"\nWrite to {policy.controller.contact}."
    for heading, text in _RIGHTS:
        yield f"\n- **{heading}**: {text}"
    yield f"\n- **Complain** (Art. 77): {policy.controller.complaint_authority}."


def _decisions() -> Iterator[str]:
    yield "\n## Automated decisions"
    yield "\nstreamgate takes no decision about you within the meaning of Art. 22: it passes on a text that a model wrote. Whether somebody"
    yield "decides by that text alone is up to the recipient of the answer, who must then tell you."


def _limits(horizons: Horizons) -> Iterator[str]:
    yield "\n## What only time removes"
    for place in horizons.elsewhere():
        yield f"\n- {place['where']}: {place['removed_after_days']} days"
    yield f"\n- {horizons.backups()}"
    yield "\n- Mentions of you in other people's prompts are not found by erasing your data; they go with the topics' retention."
    for promise in horizons.not_kept():
        yield f"\n- Not kept in this installation: {promise}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

"""Vault is killed while a prompt's request is out: its outcome row says open, and nothing else of it is in memory any more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamgate.bootstrap import Right, apply_topics, request_right, verify_audit
from streamgate.client import Prompt, PromptProducer
from streamgate.types import Role, Topic
from tests.e2e.held_provider import HeldProvider
from tests.e2e.world import until
from tests.fault.roles import Roles, records, responses, started
from tests.fixtures_kafka import Broker

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(180)]
PROMPTS = 12


@pytest.mark.parametrize("answered_first", [True, False], ids=["answer-comes-while-vault-is-down", "answer-comes-after-the-restart"])
async def test_an_open_prompt_survives_its_vault(answered_first: bool, kafka: Broker, prefix: str, tmp_path: Path) -> None:  # noqa: FBT001
    """Each prompt whose call was out when vault was killed has one response afterwards, restored, from the one call that was made."""
    async with HeldProvider() as provider:
        roles = Roles(tmp_path, kafka.bootstrap, prefix, provider.base_url)
        made = roles.installation()
        await apply_topics(made)
        provider.gate.clear()
        options = made.connection().client_options()
        with started(roles):
            async with PromptProducer(options.pop("bootstrap_servers"), tenant="acme", prefix=prefix, **options) as producer:
                for number in range(PROMPTS):
                    text = f"My name is Maria Gonzalez, mail maria{number}@example.com"
                    prompt = Prompt(
                        tenant="acme", subject=f"s-{number}", purpose="support", messages=[("user", text)], event_id=f"e-{number}"
                    )
                    await producer.send(prompt)

            async def out() -> bool | None:
                return len(provider.received) == PROMPTS or None

            async def all_there() -> dict[str, list[bytes]] | None:
                found = await responses(made)
                return found if len(found) == PROMPTS else None

            async def completed() -> bool | None:
                return len(await records(made, Topic.COMPLETIONS)) == PROMPTS or None

            await until(out)
            roles.kill(Role.VAULT)
            if answered_first:
                provider.gate.set()
                await until(completed)
            roles.start(Role.VAULT)
            if not answered_first:
                # An export is decided by the new vault only: it is up, and still remembers that the prompt is open.
                export = json.loads(await request_right(made, "acme", "s-0", Right.EXPORT, 60))
                assert [use["status"] for use in export["uses"]] == ["in progress"]
                provider.gate.set()
            found = await until(all_there)
            assert all(len(each) == 1 and b"Maria Gonzalez" in each[0] for each in found.values())
            assert len(provider.received) == PROMPTS
            reports = await verify_audit(made, [tmp_path / "keys" / "notary.pub.pem"], None, None)
            assert all(report.intact for report in reports.values())

"""``streamgate send``: one prompt, and its answer."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import typer
from rich.console import Console

from streamgate.bootstrap import Installation, load
from streamgate.cli._report import screen
from streamgate.cli._worker import ConfigOption
from streamgate.client import PromptProducer, Response
from streamgate.errors import ConfigError, Status

EXIT = {Status.ANSWERED: 0, Status.REFUSED: 3, Status.FAILED: 4}


def send(
    text: Annotated[list[str] | None, typer.Argument(help="The prompt; standard input where there is none.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Tenant of the policy; default: its first.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Purpose of the policy; default: the tenant's first.")] = None,
    subject: Annotated[str, typer.Option(help="The data subject the prompt is about.")] = "streamgate-send",
    model: Annotated[str | None, typer.Option(help="Model; default: the purpose's first.")] = None,
    bulk: Annotated[bool, typer.Option("--bulk", help="Send it by the bulk lane.")] = False,
    batch: Annotated[bool, typer.Option("--batch", help="By the provider's batches, where the purpose allows it; may take a day.")] = False,
    wait_seconds: Annotated[float, typer.Option(help="How long to wait for the answer.")] = 120.0,
    config: ConfigOption = None,
) -> None:
    """Send one prompt and print its answer. Exit status 0 answered, 3 refused, 4 failed or no answer in time."""
    prompt = " ".join(text) if text else sys.stdin.read()
    if not prompt.strip():
        screen.print("nothing to send: give the prompt as an argument or on standard input", style="bold red")
        raise typer.Exit(2)
    installation = load(config)
    try:
        response = asyncio.run(_ask(installation, prompt, tenant, purpose, subject, model, wait_seconds, bulk=bulk, batch=batch))
    except TimeoutError:
        screen.print(f"no answer within {wait_seconds:g} seconds: are the three workers running?", style="bold red")
        raise typer.Exit(4) from None
    if response.status is Status.ANSWERED:
        Console(highlight=False).print(response.text or "", markup=False, soft_wrap=True)
    else:
        screen.print(f"{response.status}: {response.code} ({response.next_step})", style="bold red", markup=False, soft_wrap=True)
    raise typer.Exit(EXIT[response.status])


async def _ask(
    installation: Installation,
    prompt: str,
    tenant: str | None,
    purpose: str | None,
    subject: str,
    model: str | None,
    wait_seconds: float,
    **lane: Any,
) -> Response:
    name = tenant or next(iter(installation.policy.tenants))
    chosen = purpose or next((each.name for each in installation.policy.purposes.values() if name in each.tenants), None)
    if chosen is None:
        raise ConfigError((f"--tenant: no purpose of the policy allows {name}; name another tenant or add one",))
    known = installation.policy.tenant(name)
    options = installation.connection().client_options()
    async with PromptProducer(
        options.pop("bootstrap_servers"),
        tenant=name,
        purpose=chosen,
        prefix=installation.prefix,
        reply_topic="responses" if known is None else known.reply_topics[0],
        schemas=installation.settings.schemas.directory,
        idempotent=not installation.settings.kafka.embedded,
        **options,
    ) as producer:
        return await producer.ask(subject, prompt, model=model, timeout_seconds=wait_seconds, **lane)

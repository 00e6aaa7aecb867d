"""``streamgate consent``, ``streamgate subject``, ``streamgate privacy-notice``: what data subjects may ask for."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from streamgate.bootstrap import Decision, Right, load, notice, publish_consent, request_right
from streamgate.cli._worker import ConfigOption

consent = typer.Typer(help="Record a data subject's decision.", no_args_is_help=True)
subject = typer.Typer(help="Exercise a data subject's rights.", no_args_is_help=True)

Tenant = Annotated[str, typer.Option(help="Tenant of the policy file.")]
SubjectId = Annotated[str, typer.Option("--subject", help="The data subject, as producers name it.")]
Purpose = Annotated[str | None, typer.Option(help="Purpose of the policy file; withdraw without one means all.")]
Source = Annotated[str, typer.Option(help="Where the decision was recorded; not personal data.")]
Wait = Annotated[float, typer.Option("--wait-seconds", help="How long to wait for the result.")]


@consent.command()
def grant(
    tenant: Tenant,
    subject_id: SubjectId,
    purpose: Annotated[str, typer.Option(help="Purpose of the policy file: consent is specific.")],
    source: Source = "operator",
    config: ConfigOption = None,
) -> None:
    """Record consent to one purpose."""
    asyncio.run(publish_consent(load(config), tenant, subject_id, purpose, Decision.GRANT, source))
    print("recorded")


@consent.command()
def withdraw(
    tenant: Tenant,
    subject_id: SubjectId,
    purpose: Purpose = None,
    source: Source = "operator",
    config: ConfigOption = None,
) -> None:
    """Record a withdrawal, an objection or an opt-out."""
    asyncio.run(publish_consent(load(config), tenant, subject_id, purpose, Decision.WITHDRAW, source))
    print("recorded")


@subject.command()
def erase(tenant: Tenant, subject_id: SubjectId, wait_seconds: Wait = 60.0, config: ConfigOption = None) -> None:
    """Destroy the subject's keys and print the receipt."""
    print(asyncio.run(request_right(load(config), tenant, subject_id, Right.ERASE, wait_seconds)))


@subject.command()
def export(tenant: Tenant, subject_id: SubjectId, wait_seconds: Wait = 60.0, config: ConfigOption = None) -> None:
    """Print what is held of the subject and every use that was recorded."""
    print(asyncio.run(request_right(load(config), tenant, subject_id, Right.EXPORT, wait_seconds)))


def privacy_notice(config: ConfigOption = None) -> None:
    """Print the privacy notice that follows from schemas, policy and settings, as Markdown."""
    print(notice(load(config)))

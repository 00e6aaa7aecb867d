"""``streamgate dead-letters``: what could not be processed. Listing needs no key; showing and replaying are asked of vault, and audited."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from streamgate.bootstrap import Answer, Command, Installation, Letter, Place, ask_about_letters, list_letters, load
from streamgate.cli._report import screen
from streamgate.cli._shown import POSSIBLE, shown_original, table_of
from streamgate.cli._worker import ConfigOption
from streamgate.errors import NEXT_STEP, Code, ConfigError
from streamgate.types import Topic

app = typer.Typer(help="List, show and replay what could not be processed.", no_args_is_help=True)

REFUSED: Final = 3
UNANSWERED: Final = 4
_AGO: Final = re.compile(r"(?P<count>[0-9]{1,6})(?P<unit>[smhd])")
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

CodeOption = Annotated[str | None, typer.Option("--code", help="Only letters with this code, for example unknown_schema.")]
TopicOption = Annotated[str | None, typer.Option("--topic", help="Only letters about records of this topic, without the prefix.")]
Since = Annotated[str | None, typer.Option(help="Only letters written since then: 30m, 2h, 3d ago, or a time as 2026-01-31T12:00Z.")]
Operator = Annotated[str, typer.Option(help="Your account name; it goes into the audit log.")]


def _said(reason: str) -> str:
    return sys.stdin.readline().strip() if reason == "-" else reason


Reason = Annotated[
    str,
    typer.Option(
        callback=_said,
        help="Why, for example a ticket; it goes into the audit log, so no personal data. '-' reads a line of standard input.",
    ),
]
Wait = Annotated[float, typer.Option("--wait-seconds", min=0.1, help="How long to wait for vault.")]


@app.command("list")
def list_(
    code: CodeOption = None,
    topic: TopicOption = None,
    since: Since = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    config: ConfigOption = None,
) -> None:
    """List dead letters without opening any: where, why, when, how large, and whether each can be replayed."""
    found = asyncio.run(_listed(load(config), code, topic, since))
    if as_json:
        for letter in found:
            print(json.dumps(_row(letter)))
    elif found:
        table_of([_row(letter) for letter in found])
    else:
        screen.print("no dead letters")


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="Partition and offset of the letter, for example 2@17.")],
    operator: Operator,
    reason: Reason,
    reveal: Annotated[bool, typer.Option("--reveal", help="Print the content also where standard output is no terminal.")] = False,
    wait_seconds: Wait = 30.0,
    config: ConfigOption = None,
) -> None:
    """Have vault open one letter for you and print its original: personal data in the clear. Audited."""
    if not (reveal or sys.stdout.isatty()):
        raise ConfigError(("--reveal: the original holds personal data, and standard output is no terminal; give --reveal to print it",))
    installation = load(config)
    (answer,) = asyncio.run(ask_about_letters(installation, Command.SHOW, [Place.read(place)], operator, reason, wait_seconds))
    if answer.original is None:
        raise typer.Exit(_refused([answer], wait_seconds))
    print(asyncio.run(shown_original(installation, answer.topic or "", answer.original)))


@app.command()
def replay(
    operator: Operator,
    reason: Reason,
    places: Annotated[list[str] | None, typer.Argument(help="Partition and offset of each letter, for example 2@17.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that can be replayed, within --code, --topic and --since.")] = False,
    code: CodeOption = None,
    topic: TopicOption = None,
    since: Since = None,
    wait_seconds: Wait = 60.0,
    config: ConfigOption = None,
) -> None:
    """Have vault publish originals again, each once; they pass schema, consent and every other gate anew. Audited."""
    if every == bool(places) or (places and (code or topic or since)):
        raise ConfigError(("replay: name letters (2@17), or give --all, which --code, --topic and --since narrow; not both",))
    installation = load(config)
    chosen = [Place.read(place) for place in places or ()]
    if every:
        chosen = [letter.place for letter in asyncio.run(_listed(installation, code, topic, since)) if letter.obstacle is None]
    if not chosen:
        screen.print("no dead letter that can be replayed")
        return
    answers = asyncio.run(ask_about_letters(installation, Command.REPLAY, chosen, operator, reason, wait_seconds))
    for answer in answers:
        if answer.code is Code.OK:
            print(f"{answer.place} replayed")
    raise typer.Exit(_refused(answers, wait_seconds))


async def _listed(installation: Installation, code: str | None, topic: str | None, since: str | None) -> list[Letter]:
    """Filters of another form are refused: a slip of the pen must not look like an empty topic."""
    problems = []
    if code is not None and code not in set(Code):
        problems.append("--code: no such code; README lists them")
    if topic is not None and topic not in set(Topic):
        problems.append(f"--topic: no such topic; write one of {', '.join(Topic)}")
    if problems:
        raise ConfigError(tuple(problems))
    from_ms = 0 if since is None else _instant_ms(since)
    return [
        letter
        async for letter in list_letters(installation)
        if code in {None, letter.code} and topic in {None, letter.topic} and letter.lettered_at_ms >= from_ms
    ]


def _instant_ms(text: str) -> int:
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return time.time_ns() // 1_000_000 - int(ago["count"]) * _UNIT_SECONDS[ago["unit"]] * 1000
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(("--since: write 30m, 2h or 3d, or a time as 2026-01-31T12:00Z",)) from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _row(letter: Letter) -> dict[str, Any]:
    return {
        "letter": str(letter.place),
        "code": letter.code,
        "role": letter.role,
        "topic": letter.topic,
        "source": str(letter.source),
        "at": datetime.fromtimestamp(letter.lettered_at_ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "bytes": letter.size_bytes,
        "replay": POSSIBLE if letter.obstacle is None else letter.obstacle.value,
        "next_step": letter.next_step,
    }


def _refused(answers: Sequence[Answer], wait_seconds: float) -> int:
    """Say what was not done and why; the exit status."""
    for answer in answers:
        if answer.code is None:
            screen.print(
                f"{answer.place}: no answer from vault within {wait_seconds:g} seconds: is a vault worker running?", style="bold red"
            )
        elif answer.code is not Code.OK:
            screen.print(f"{answer.place}: {answer.code} ({NEXT_STEP[answer.code]})", style="bold red", markup=False, soft_wrap=True)
    if any(answer.code is None for answer in answers):
        return UNANSWERED
    return 0 if all(answer.code is Code.OK for answer in answers) else REFUSED

"""How ``streamgate dead-letters`` reads what it is given, and how it shows what anybody may have written."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from typer.testing import CliRunner

from streamgate.bootstrap import Installation, Original, Place, create_keys, load
from streamgate.cli import app
from streamgate.cli._dead_letters import _instant_ms
from streamgate.cli._shown import printable, shown_original
from streamgate.client import Prompt
from streamgate.codec import encode
from streamgate.config import init
from streamgate.errors import ConfigError
from streamgate.types import Topic

WHO = ("--operator", "jdoe", "--reason", "INC-4711")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """As ``init`` leaves it; no broker is asked."""
    init(tmp_path)
    create_keys(tmp_path)
    return load(tmp_path / "streamgate.toml", {})


@pytest.mark.parametrize("text", ["2@17", "dead-letters-2@17"])
def test_a_place_is_written_as_list_and_tail_write_it(text: str) -> None:
    """Both forms are read; one is written."""
    assert Place.read(text) == Place(2, 17)
    assert str(Place(2, 17)) == "2@17"


@pytest.mark.parametrize("text", ["", "2", "2@", "@1", "-1@2", "2@-1", "2@1e3", "prompts-2@1", "2@1 ", "٢@1"])
def test_what_is_no_place_is_a_mistake(text: str) -> None:
    """It says what one looks like."""
    with pytest.raises(ConfigError, match="2@17"):
        Place.read(text)


def test_since_takes_an_age_or_a_time() -> None:
    """Seconds, minutes, hours and days ago; a time without a zone is in UTC."""
    now = time.time_ns() // 1_000_000
    for text, age in (("30s", 30), ("5m", 300), ("2h", 7200), ("3d", 259_200)):
        assert 0 <= _instant_ms(text) + age * 1000 - now < 5_000
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert _instant_ms("2026-01-31T12:00Z") == _instant_ms("2026-01-31T12:00") == round(at.timestamp() * 1000)
    assert _instant_ms("2026-01-31T13:00+01:00") == round(at.timestamp() * 1000)
    assert _instant_ms("2026-01-30") == round((at - timedelta(hours=36)).timestamp() * 1000)
    with pytest.raises(ConfigError, match="--since"):
        _instant_ms("yesterday")


@pytest.mark.parametrize(
    "words",
    [
        ["replay", *WHO],
        ["replay", "2@17", "--all", *WHO],
        ["replay", "2@17", "--code", "not_avro", *WHO],
        ["show", "2@17", *WHO],
        ["list", "--code", "not_arvo"],
        ["list", "--topic", "promts"],
        ["list", "--since", "yesterday"],
        ["replay", "9@0", "--operator", "Jane Doe", "--reason", "x"],
    ],
)
def test_a_command_that_is_wrongly_asked_asks_nobody(words: list[str], installation: Installation, tmp_path: Path) -> None:
    """A mistake is found before any broker is connected to; a filter that is misspelt does not look like an empty topic."""
    assert installation.prefix
    done = CliRunner().invoke(app, ["dead-letters", *words, "--config", str(tmp_path / "streamgate.toml")])
    assert isinstance(done.exception, ConfigError)


@pytest.mark.parametrize("words", [["show", "2@17"], ["replay", "2@17", "--operator", "jdoe"], ["replay", "--all", "--reason", "INC-4711"]])
def test_who_and_why_must_be_said(words: list[str]) -> None:
    """Without an operator or a reason there is no request."""
    assert CliRunner().invoke(app, ["dead-letters", *words]).exit_code == 2


@pytest.mark.parametrize("operator", ["DE89370400440532013000", "4111-1111-1111-1111"])
def test_an_operator_that_looks_like_personal_data_is_a_mistake(operator: str, installation: Installation, tmp_path: Path) -> None:
    """As a reason is: both stay in the audit log. The mistake does not hold it."""
    problems = mistakes(["show", "2@17", "--reveal", "--operator", operator, "--reason", "INC-4711"], tmp_path)
    assert installation.prefix
    assert [problem.split(":")[0] for problem in problems] == ["--operator"]
    assert operator not in str(problems)


@pytest.mark.parametrize(("line", "wrong"), [("call +49 30 901820\n", ["--reason"]), ("INC-4711\n", []), ("", ["--reason"])])
def test_a_reason_can_be_read_from_standard_input(line: str, wrong: list[str], installation: Installation, tmp_path: Path) -> None:
    """So it stands in no shell history; it is held to the same form. Partition 999 is wrong in any case, so that no broker is asked."""
    problems = mistakes(["replay", "999@0", "--operator", "jdoe", "--reason", "-"], tmp_path, line)
    assert installation.prefix
    assert [problem.split(":")[0] for problem in problems] == [*wrong, "999@0"]


def mistakes(words: list[str], directory: Path, line: str = "") -> tuple[str, ...]:
    """What the command says is wrong."""
    done = CliRunner().invoke(app, ["dead-letters", *words, "--config", str(directory / "streamgate.toml")], input=line)
    assert isinstance(done.exception, ConfigError)
    return done.exception.problems


def test_nothing_that_was_written_steers_the_terminal() -> None:
    """Control characters and those that turn text around become escapes, of which JSON makes them again."""
    text = "a\x1b[2Jb\x9bc\u202ed\r\u2028é🙂\U000e0001"
    shown = printable(json.dumps({"text": text}, ensure_ascii=False))
    assert all(each.isprintable() for each in shown)
    assert "é🙂" in shown
    assert json.loads(shown) == {"text": text}


async def test_an_original_is_shown_as_a_record_as_text_or_as_bytes(installation: Installation) -> None:
    """Whatever can be read of it by now; keys and headers too."""
    prompt = Prompt(tenant="acme", subject="s", purpose="support", messages=[("user", "Grüße")], event_id="e")
    value = encode(installation.schemas.latest(Topic.PROMPTS), prompt.record(0))
    shown = json.loads(await shown_original(installation, "prompts", Original(prompt.key, value, (("h", None), ("i", b"1")))))
    assert (shown["key"], shown["headers"], shown["bytes"]) == ("acme\x1fs", {"h": None, "i": "1"}, len(value))
    assert shown["value"]["messages"][0]["content"] == [{"type": "text", "text": "Grüße"}]
    assert json.loads(await shown_original(installation, "prompts", Original(None, b"no avro")))["value"] == "no avro"
    assert json.loads(await shown_original(installation, "prompts", Original(None, b"\xff")))["value"] == {"hex": "ff"}
    assert json.loads(await shown_original(installation, "", Original(b"\xff", None)))["value"] is None


class _Read:
    """An installation by whose schema a value has this record."""

    def __init__(self, record: dict[str, object]) -> None:
        self.record = record

    def decoder(self) -> _Read:
        return self

    async def decode(self, topic: str, value: bytes | None) -> _Read:
        del topic, value
        return self


async def test_logical_types_of_avro_are_shown() -> None:
    """A producer's own record may hold what JSON does not have."""
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    record: dict[str, object] = {"day": at.date(), "at": at, "time": at.time(), "sum": Decimal("1.20"), "id": UUID(int=1), "raw": b"\xff"}
    shown = json.loads(await shown_original(cast("Installation", _Read(record)), "prompts", Original(b"k", b"v")))["value"]
    assert shown == {
        "day": "2026-01-31",
        "at": "2026-01-31T12:00:00+00:00",
        "time": "12:00:00",
        "sum": "1.20",
        "id": str(UUID(int=1)),
        "raw": {"hex": "ff"},
    }

"""What stands in the log, and above all what does not."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog

from streamgate.adapters.log import PINNED, LogTelemetry, configure
from streamgate.errors import Code, ConfigError, Refused
from streamgate.telemetry import DeadLettered, PromptAccepted
from tests.fakes.telemetry import ONE_OF_EACH

SECRET = "maria.schmidt@example.org"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Put the process-wide logging back as it was."""
    root = logging.getLogger()
    handlers, level, hooks = root.handlers[:], root.level, (sys.excepthook, threading.excepthook)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = hooks
    structlog.reset_defaults()
    for name in PINNED:
        logging.getLogger(name).filters.clear()
        logging.getLogger(name).setLevel(logging.NOTSET)


def opened(level: str = "DEBUG", style: Literal["json", "console"] = "json") -> io.StringIO:
    """Configure logging into a string."""
    stream = io.StringIO()
    configure(style, level, stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The JSON lines written so far."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_fact_becomes_the_line_of_the_catalogue() -> None:
    """Event, level and fields; nested counts stay readable."""
    stream = opened()
    LogTelemetry().emit(PromptAccepted("support", {"PERSON": 2}, 1, 0.25))
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "prompt.accepted",
        "level": "debug",
        "logger": "streamgate.facts",
        "purpose": "support",
        "entities": {"PERSON": 2},
        "dropped_fields": 1,
        "age_seconds": 0.25,
    }


def test_normal_operation_is_quiet_at_info() -> None:
    """Of one fact of each type only lifecycle, rights and trouble are written."""
    stream = opened("INFO")
    for fact in ONE_OF_EACH:
        LogTelemetry().emit(fact)
    assert {line["event"] for line in lines(stream)} == {
        "record.dead_lettered",
        "worker.failed",
        "call.repeated",
        "batch.line_dropped",
        "batch.step_failed",
        "subject_right.exercised",
        "dead_letter.handled",
        "stage.failed",
        "part.availability",
        "worker.state",
        "workers.share",
    }


def test_the_console_shows_the_same_facts() -> None:
    """One line each, also with an exception."""
    stream = opened(style="console")
    LogTelemetry().emit(DeadLettered("prompts", Code.NOT_AVRO))
    empty: dict[str, int] = {}
    try:
        empty[SECRET]
    except KeyError:
        logging.getLogger("library").exception("it broke")
    assert "record.dead_lettered" in stream.getvalue()
    assert "code=not_avro" in stream.getvalue()
    assert "raised KeyError" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_a_librarys_message_keeps_numbers_and_hides_the_rest() -> None:
    """The format string and ints and floats pass; a string does not, whatever it holds."""
    stream = opened()
    logging.getLogger("library").info("%s has %d records, %.1f s old", SECRET, 5, 1.25)
    logging.getLogger("library").info("%(who)s has %(count)d", {"who": SECRET, "count": 6})
    logging.getLogger("library").info("%d is no number", SECRET)
    logging.getLogger("library").info("%r", {"key": SECRET})
    assert [line["event"] for line in lines(stream)] == ["… has 5 records, 1.2 s old", "… has 6", "%d is no number", "…"]
    assert SECRET not in stream.getvalue()


def test_a_message_put_together_at_run_time_is_left_out() -> None:
    """It may hold data; the place remains."""
    stream = opened()
    logging.getLogger("library").warning(f"user {SECRET} failed")  # noqa: G004  this is what libraries do
    logging.getLogger("library").warning(ValueError(SECRET))
    logging.getLogger("library").warning("a constant of the module")
    first, second, third = lines(stream)
    assert first["event"] == second["event"] == "(…)"
    assert first["at"].startswith("test_telemetry_log:")
    assert third["event"] == "a constant of the module"
    assert "maria" not in stream.getvalue()


def test_an_exception_shows_types_and_frames_only() -> None:
    """Neither its text, nor a cause's, nor a group member's, nor local values, nor source lines."""

    def parse(value: str) -> int:
        local = value
        return int(local)

    stream = opened()
    try:
        try:
            parse(SECRET)
        except ValueError as error:
            raise ExceptionGroup(SECRET, [KeyError(SECRET), error]) from error
    except ExceptionGroup:
        logging.getLogger("library").exception("it broke", stack_info=True)
    (line,) = lines(stream)
    assert [(one["relation"], one["type"]) for one in line["exception"]] == [
        ("raised", "ExceptionGroup"),
        ("member", "KeyError"),
        ("member", "ValueError"),
    ]
    assert any(":parse:" in frame for frame in line["exception"][2]["frames"])
    assert "maria" not in stream.getvalue()
    assert "int(local)" not in stream.getvalue()
    assert "stack_info" not in line


def test_our_own_exceptions_show_their_text() -> None:
    """They hold codes and constants."""
    stream = opened()
    for error in (Refused(Code.NO_CONSENT), ConfigError(("kafka.brokers: missing, write host:port",))):
        logging.getLogger("streamgate.pipeline").error("stopped", exc_info=error)
    first, second = lines(stream)
    assert first["exception"][0]["message"].startswith("no_consent: record a grant")
    assert second["exception"][0]["message"] == "kafka.brokers: missing, write host:port"


@pytest.mark.parametrize("name", [*PINNED, "aiokafka.consumer.fetcher", "faust.transport.drivers.aiokafka", "httpcore.http11"])
def test_debug_of_pinned_loggers_never_passes(name: str) -> None:
    """Not with the root at DEBUG, not when the logger itself is set to DEBUG afterwards."""
    stream = opened("DEBUG")
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG)
    logger.debug("key and value follow")
    logger.info("partitions assigned")
    assert [line["event"] for line in lines(stream)] == ["partitions assigned"]
    logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize("name", PINNED)
def test_debug_of_pinned_loggers_reaches_no_other_handler(name: str) -> None:
    """Also not one that a library installs for itself later."""
    opened("DEBUG")
    other = io.StringIO()
    handler = logging.StreamHandler(other)
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    logger.debug("key and value follow")
    logger.removeHandler(handler)
    assert other.getvalue() == ""


def test_configuring_again_replaces_the_handler() -> None:
    """No line is written twice, and no filter is added twice."""
    opened()
    stream = opened()
    LogTelemetry().emit(DeadLettered("prompts", Code.NOT_AVRO))
    assert len(lines(stream)) == 1
    assert len(logging.getLogger("aiokafka").filters) == 1


def test_warnings_and_uncaught_exceptions_take_the_same_way() -> None:
    """What would print to the terminal is logged without its text."""
    stream = opened()
    warnings.warn(SECRET, UserWarning, stacklevel=1)
    sys.excepthook(ValueError, ValueError(SECRET), None)
    thread = threading.Thread(target=lambda: int(SECRET))
    thread.start()
    thread.join()
    events = [line["event"] for line in lines(stream)]
    assert events[1:] == ["uncaught exception", "uncaught exception"]
    assert "maria" not in stream.getvalue()


async def test_what_asyncio_reports_of_a_lost_task_holds_no_text() -> None:
    """The loop's own handler puts its message together at run time."""
    stream = opened("INFO")
    asyncio.get_running_loop().call_exception_handler({"message": f"lost {SECRET}", "exception": ValueError(SECRET)})
    (line,) = lines(stream)
    assert (line["logger"], line["exception"][0]["type"]) == ("asyncio", "ValueError")
    assert "maria" not in stream.getvalue()


def test_a_record_that_cannot_be_written_is_not_printed_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    """The standard library would print the arguments and the traceback to stderr."""

    class Broken(io.StringIO):
        def write(self, text: str, /) -> int:
            if SECRET in text:
                raise OSError(SECRET)
            return super().write(text)

    stream = Broken()
    configure("json", "DEBUG", stream)
    structlog.get_logger("streamgate.cli").info("written", value=SECRET)
    assert lines(stream) == [{"event": "log record lost", "level": "error", "at": lines(stream)[0]["at"]}]
    assert SECRET not in capsys.readouterr().err


def test_structlog_loggers_of_ours_go_through_it() -> None:
    """``structlog.get_logger`` in a command writes to the same handler, with its fields."""
    stream = opened("INFO")
    structlog.get_logger("streamgate.cli").info("topics created", count=11)
    structlog.get_logger("streamgate.cli").debug("not shown")
    (line,) = lines(stream)
    assert (line["event"], line["count"], line["level"]) == ("topics created", 11, "info")

"""Writes the log: one line per fact that the catalogue declares, and what libraries log, made safe.

What passes of a library's record (level INFO and above):

- its logger's name, its level, and ``module:line`` of the call;
- its message as it stands in the library's source, with numbers (``int``, ``float``) filled in and everything else as ``…``. A message that
  does not stand in the source word for word was put together at run time, may hold data, and is left out;
- of an exception: the types and the frames of the whole chain. The text of an exception only where it is one of ours, which holds none.

Never: values of variables, DEBUG records of the libraries in :data:`PINNED` (Faust and aiokafka print keys and values there). The pin is a
filter on the handler and on the loggers: a later ``setLevel`` does not undo it.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

from streamgate.adapters._foreign_messages import safe_message
from streamgate.adapters._tracebacks import exception_summary
from streamgate.telemetry import CATALOGUE, Fact

PINNED: Final = (
    "faust.topics",
    "faust.transport",
    "aiokafka",
    "openai",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "presidio-analyzer",
    "presidio-anonymizer",
)
OWN: Final = "streamgate"
FAUST_SERVICES: Final = "streamgate.topology"
"""Faust logs the life of our subclasses of its services under their module's name."""
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class PinFilter(logging.Filter):
    """Drops what the pinned loggers and their children say below INFO, and what any library says below INFO."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Our own records follow the level alone."""
        return record.levelno >= logging.INFO or _under(record.name, OWN)


class QuietFilter(logging.Filter):
    """Of other people's loggers only warnings and worse: in normal operation a worker says what it is doing, and nothing else."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is ours or worth reading."""
        return record.levelno >= logging.WARNING or (_under(record.name, OWN) and not _under(record.name, FAUST_SERVICES))


class SafeHandler(logging.StreamHandler[TextIO]):
    """Writes to a stream. Where a record cannot be written it says so, without the record: logging's own way prints its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the library's name
        """One constant line and the place."""
        try:
            self.stream.write(f'{{"event": "log record lost", "level": "error", "at": "{record.module}:{record.lineno}"}}\n')
        except (OSError, ValueError):  # the stream is gone: there is nowhere to say it
            return


class LogTelemetry:
    """Implements ``streamgate.telemetry.Telemetry``. Quiet in normal operation: what happens per record is DEBUG."""

    def __init__(self) -> None:
        """Writes through the handler that :func:`configure` installs."""
        self._log = logging.getLogger(f"{OWN}.facts")

    def emit(self, fact: Fact) -> None:
        """Write the fact's line; a type of fact that the catalogue does not know is written nowhere."""
        declaration = CATALOGUE.get(type(fact))
        if declaration is None:
            return
        line = declaration.line(fact)
        level = _LEVELS[line.level]
        if self._log.isEnabledFor(level):
            self._log.log(level, line.event, extra={"fields": line.fields})


def configure(format: Literal["json", "console"], level: str, stream: TextIO | None = None) -> logging.Handler:  # noqa: A002  the setting's name
    """Send everything that is logged in this process through one safe handler, and return it. Calling it again replaces that handler."""
    handler = SafeHandler(sys.stderr if stream is None else stream)
    handler.addFilter(PinFilter())
    if level.lower() != "debug":
        handler.addFilter(QuietFilter())
    handler.setFormatter(_formatter(format))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    _pin()
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    return handler


def _formatter(format_name: str) -> logging.Formatter:
    """JSON lines, or text for a terminal; the steps before are the same."""
    last: list[Processor] = (
        [structlog.processors.JSONRenderer(ensure_ascii=False, default=lambda value: type(value).__name__)]
        if format_name == "json"
        else [_exception_as_text, structlog.dev.ConsoleRenderer(colors=False)]
    )
    return ProcessorFormatter(
        foreign_pre_chain=[_foreign],
        processors=[
            _context,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception,
            ProcessorFormatter.remove_processors_meta,
            *last,
        ],
        pass_foreign_args=True,
        use_get_message=False,
    )


def _pin() -> None:
    """Put the filter on the pinned loggers and on those of their children that exist; a filter already there is not added twice."""
    names = {*PINNED, *(name for name in logging.root.manager.loggerDict if any(_under(name, pinned) for pinned in PINNED))}
    for name in names:
        logger = logging.getLogger(name)
        if not any(isinstance(present, PinFilter) for present in logger.filters):
            logger.addFilter(PinFilter())


def _under(name: str, ancestor: str) -> bool:
    """Whether a logger's name is the ancestor's or below it."""
    return name == ancestor or name.startswith(f"{ancestor}.")


def _context(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Level and logger, from the record itself."""
    record: logging.LogRecord = event["_record"]
    event["level"] = record.levelname.lower()
    event["logger"] = record.name
    return event


def _exception(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Replace the exception by its types and frames; a printed stack goes, it says nothing the place does not."""
    event.pop("stack_info", None)
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error is True:
        error = sys.exception()
    if isinstance(error, BaseException):
        event["exception"] = exception_summary(error)
    return event


def _exception_as_text(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """For a terminal, one frame a line."""
    if "exception" in event:
        event["exception"] = "\n".join(
            "\n    ".join((f"{one['relation']} {one['type']} {one.get('message', '')}".rstrip(), *one["frames"]))
            for one in event["exception"]
        )
    return event


def _foreign(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """A record that came through the standard library: a fact of ours, or a library's message."""
    record: logging.LogRecord = event["_record"]
    arguments = event.pop("positional_args", ())
    fields = getattr(record, "fields", None)
    if record.name == f"{OWN}.facts" and isinstance(fields, Mapping):
        event.update({name: _plain(value) for name, value in fields.items()})
        return event
    event["event"] = safe_message(record, arguments)
    event["at"] = f"{record.module}:{record.lineno}"
    return event


def _plain(value: Any) -> Any:
    """A fact's value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    return round(value, 6) if isinstance(value, float) else value


def _uncaught(kind: type[BaseException], error: BaseException | None, _traceback: Any) -> None:
    """For ``sys.excepthook``: what ends the process or a thread is logged like everything else."""
    if not issubclass(kind, KeyboardInterrupt):
        logging.getLogger(OWN).critical("uncaught exception", exc_info=error)

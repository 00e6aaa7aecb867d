"""The commands. Each module holds one group; this one only puts them together.

Exit status: 0 done or answered, 1 a check found something, or a fault of streamgate's own, 2 usage or configuration, 3 refused, 4 failed.
"""

from __future__ import annotations

import sys

import typer
from aiokafka.errors import KafkaError

from streamgate.bootstrap import where
from streamgate.cli import (
    _audit,
    _bench,
    _config,
    _dead_letters,
    _demo,
    _init,
    _privacy,
    _schema,
    _send,
    _soak,
    _spend,
    _tail,
    _topics,
    _worker,
)
from streamgate.cli._report import report, screen
from streamgate.errors import ConfigError, OperationRefused, StreamgateError

app = typer.Typer(
    name="streamgate",
    help="A stream-processing redaction service on Kafka: personal data stays in, answers come back.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(_demo.demo)
app.command("init")(_init.init)
app.command("send")(_send.send)
app.command("tail")(_tail.tail)
app.command("spend")(_spend.spend)
app.command("worker")(_worker.worker)
app.command("bench")(_bench.bench)
app.command("soak")(_soak.soak)
app.command("privacy-notice")(_privacy.privacy_notice)
app.add_typer(_topics.app, name="topics")
app.add_typer(_schema.app, name="schema")
app.add_typer(_config.app, name="config")
app.add_typer(_audit.app, name="audit")
app.add_typer(_dead_letters.app, name="dead-letters")
app.add_typer(_privacy.consent, name="consent")
app.add_typer(_privacy.subject, name="subject")


def main() -> None:
    """Entry point. What is wrong is said in one place, without a traceback and without data, also where nobody foresaw it."""
    try:
        app()
    except OperationRefused as error:
        report(error)
        sys.exit(3)
    except (ConfigError, StreamgateError) as error:
        report(error)
        sys.exit(2)
    except KafkaError as error:
        screen.print(f"Kafka: {type(error).__name__}; check kafka.bootstrap and that the broker runs", style="bold red")
        sys.exit(4)
    except TimeoutError:
        screen.print("nothing came back in time; are the workers running?", style="bold red")
        sys.exit(4)
    except Exception as error:
        if sys.excepthook.__module__.startswith("streamgate."):
            raise  # what logs by now logs this too, and shows no more of it
        # Neither a message nor a traceback: both may quote what was being read.
        words = f"{type(error).__qualname__} at {where(error)}: a fault of streamgate's own; please report this line"
        screen.print(words, style="bold red", markup=False, soft_wrap=True)
        sys.exit(1)


__all__ = ["app", "main"]

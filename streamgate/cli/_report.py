"""How a command says what is wrong."""

from __future__ import annotations

from rich.console import Console

from streamgate.errors import ConfigError, StreamgateError

screen = Console(stderr=True, highlight=False)


def report(error: ConfigError | StreamgateError) -> None:
    """Every problem on a line of its own, on standard error."""
    if isinstance(error, ConfigError):
        many = f"{len(error.problems)} mistake{'s' if len(error.problems) != 1 else ''} in settings or policy:"
        screen.print(many, style="bold red")
        for problem in error.problems:
            screen.print(f"  {problem}", markup=False, soft_wrap=True)
        return
    screen.print(str(error), style="bold red", markup=False, soft_wrap=True)

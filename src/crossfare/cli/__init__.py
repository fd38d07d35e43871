"""The command line: one short command per verb; the same verbs as the Python API."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from typing import NoReturn, TextIO

import typer

from crossfare.boundary import Terminated, explained, redacted, shortened, terminable
from crossfare.cli import auditing, datasets, deciding, planning, racing, running, serving, translating
from crossfare.errors import ConfigError
from crossfare.escaping import Console, escaped

app = typer.Typer(
    name="crossfare",
    help="Which way of crossing a language barrier is worth its fare?",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(running.demo)
app.command()(running.run)
app.command()(racing.race)
app.command()(translating.translate)
app.command("score-translation")(translating.score_translation)
app.command()(deciding.compare)
app.command()(deciding.recommend)
app.command()(deciding.report)
app.command()(planning.plan)
app.command()(serving.predict)
app.command()(serving.serve)
app.command()(serving.export)
app.command()(deciding.prices)
app.command("audit-paper")(auditing.audit_paper)
app.command()(translating.engines)
app.add_typer(datasets.app, name="datasets")


def main() -> None:
    """Entry point: an error is one line and status 2; the traceback of an unforeseen one goes to a file."""
    try:
        try:
            _check_arguments(sys.argv[1:])
            with terminable():
                app()
        finally:
            if sys.stdout:
                sys.stdout.flush()  # while an error can still be told
    except BrokenPipeError:  # whoever read the output has left
        _discard(sys.stdout)
        sys.exit(1)
    except (KeyboardInterrupt, SystemExit) as end:
        if (stop := _stop(end)) is None:
            raise
        _tell("stopped; finished steps are kept, run again to go on")
        if isinstance(stop, Terminated):
            atexit._run_exitfuncs()  # what lies in shared memory goes as it does at any exit
            signal.raise_signal(signal.SIGTERM)  # whoever sent it sees that it was heard
        sys.exit(130)
    except BaseException as error:  # a panic in Rust is no Exception
        _fail(str(explained(error)), 2)


def _stop(end: BaseException | None) -> KeyboardInterrupt | None:
    """What somebody stopped a command by, which Typer makes an exit of; None if it ended by itself."""
    if end is None or isinstance(end, KeyboardInterrupt):
        return end
    return _stop(end.__cause__ or end.__context__)


def _check_arguments(arguments: list[str]) -> None:
    """Raise ConfigError for what no name, number or text may hold; usage errors repeat arguments as they are."""
    for place, argument in enumerate(arguments, 1):
        if any(escaped(character) != character and character not in "\t\n" for character in argument):
            raise ConfigError(f"argument {place} ({argument[:80]}) holds characters that do not print; leave them out")


def _fail(message: str, status: int) -> NoReturn:
    _tell(message)
    sys.exit(status)


def _tell(message: str) -> None:
    line = escaped(f"crossfare: {shortened(redacted(message))}")
    try:
        Console(stderr=True).print(line, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.stdout.flush()
    except (AttributeError, OSError):
        _discard(sys.stdout)


def _discard(stream: TextIO | None) -> None:
    """Let what is still waiting in a stream go nowhere, without the interpreter's complaint."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[union-attr]

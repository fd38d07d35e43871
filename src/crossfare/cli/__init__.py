"""The command line: one short command per verb; the same verbs as the Python API."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from crossfare.cli import auditing, datasets, deciding, planning, running, serving, translating
from crossfare.errors import CrossfareError
from crossfare.extras import explained

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
app.command()(translating.translate)
app.command("score-translation")(translating.score_translation)
app.command("tune-markers")(translating.tune_markers)
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
    """Entry point: a known error is one line and status 2, an unknown one a traceback."""
    try:
        app()
    except CrossfareError as error:
        _fail(str(error), 2)
    except ModuleNotFoundError as error:
        if (line := explained(error)) is None:
            raise
        _fail(line, 2)
    except KeyboardInterrupt:
        _fail("stopped; finished steps are kept, run again to go on", 130)


def _fail(message: str, status: int) -> None:
    Console(stderr=True).print(f"crossfare: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(status)

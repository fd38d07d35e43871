"""What commands say, show and ask."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from crossfare.errors import ConfigError
from crossfare.escaping import Console, escaped

if TYPE_CHECKING:
    from crossfare.experiment.estimates import Estimate
    from crossfare.experiment.spending import Spending
    from crossfare.report.table import Table

_TABLE_WIDTH = 100  # narrower terminals wrap a line rather than lose a column


def wide_console() -> Console:
    """A console for tables."""
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    return console


def say(*lines: str, err: bool = False) -> None:
    """Print lines, each as one line whatever it holds."""
    console = Console(stderr=err)
    for line in lines:
        console.print(escaped(line), markup=False, highlight=False, soft_wrap=True)


def show(tables: Iterable[Table]) -> None:
    """Print tables, each with an empty line below."""
    from crossfare.report import to_rich

    console = wide_console()
    for table in tables:
        console.print(to_rich(table))
        console.print()


def agree(plan: Estimate | Spending, *, err: bool = False) -> None:
    """Show what is about to be spent, and ask.

    Raises:
        ConfigError: there is no terminal, and so nobody to ask.
    """
    if not on_a_terminal():
        raise ConfigError(f"{plan.summary}, and there is no terminal to ask on: add --yes; nothing was sent")
    say(*plan.lines, err=err)
    typer.confirm("Send it?", abort=True, err=err)


def on_a_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()

"""What commands say, show and ask."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import typer

from crossfare.errors import ConfigError
from crossfare.escaping import Console, escaped

if TYPE_CHECKING:
    from crossfare.report.table import Table

_FILE_WIDTH = 100  # of tables that are written to a file or a pipe, which have no width


def wide_console() -> Console:
    """A console for tables: as wide as the terminal, or as COLUMNS says."""
    console = Console()
    if not (console.is_terminal or os.environ.get("COLUMNS", "").isdecimal()):
        console.width = _FILE_WIDTH
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


class Proposal(Protocol):
    """What is about to be sent, and spent: in a clause, and in lines."""

    @property
    def summary(self) -> str:
        """The whole of it."""

    @property
    def lines(self) -> tuple[str, ...]:
        """All that somebody has to know to agree."""


def agree(plan: Proposal, *, err: bool = False) -> None:
    """Show what is about to be sent and spent, and ask.

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

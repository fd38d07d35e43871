"""What commands say, show and ask."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import typer
from rich.console import Console

from crossfare.errors import ConfigError

if TYPE_CHECKING:
    from crossfare.report.table import Table

_TABLE_WIDTH = 100  # narrower terminals wrap a line rather than lose a column


def wide_console() -> Console:
    """A console for tables."""
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    return console


def say(*lines: str, err: bool = False) -> None:
    """Print lines as they are."""
    console = Console(stderr=err)
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def show(tables: Iterable[Table]) -> None:
    """Print tables, each with an empty line below."""
    from crossfare.report import to_rich

    console = wide_console()
    for table in tables:
        console.print(to_rich(table))
        console.print()


class Plan(Protocol):
    """What is about to be sent, and spent: in a clause, and in lines."""

    @property
    def summary(self) -> str:
        """The whole of it."""

    @property
    def lines(self) -> tuple[str, ...]:
        """All that somebody has to know to agree."""


def agree(plan: Plan, *, err: bool = False) -> None:
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

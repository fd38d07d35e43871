"""A table as data, and its renderings: terminal, Markdown, CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

MISSING = "-"


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cell says. ``value`` is what CSV gets instead of ``text``: the same in full precision."""

    text: str
    value: str | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and whether the cells below it are numbers."""

    title: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns, with notes below.

    ``sections`` maps the index of a row to the heading that stands before it.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    sections: Mapping[int, str] = field(default_factory=dict)


def to_rich(table: Table) -> RenderableType:
    """Render for the terminal. Text from data is shown as it is, never read as markup.

    In a narrow terminal cells wrap between words; numbers are never cut.
    """
    grid = RichTable(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        title=Text(_plain(table.title), style="bold"),
        title_justify="left",
    )
    for index, column in enumerate(table.columns):
        texts = [column.title, *(row[index].text for row in table.rows)]
        longest = max(len(word) for text in texts for word in text.split() or [""])
        grid.add_column(
            Text("\n".join(_plain(line) for line in column.title.splitlines())),
            justify="right" if column.number else "left",
            min_width=longest if column.number else min(longest, 12),
            overflow="fold",
        )
    for index, row in enumerate(table.rows):
        if index in table.sections:
            grid.add_row(*_heading(table, index))
        grid.add_row(*(Text(_plain(cell.text), style="bold" if cell.best else "") for cell in row))
    notes = Text("\n".join(["", *map(_plain, table.notes)]), style="dim")
    return Group(grid, notes) if table.notes else grid


def _heading(table: Table, index: int) -> tuple[Text, ...]:
    """A section's heading under the first column that is wide enough to be named."""
    position = next(i for i, column in enumerate(table.columns) if len(column.title) > 1)
    return tuple(
        Text(_plain(table.sections[index]) if i == position else "", style="italic") for i in range(len(table.columns))
    )


def to_markdown(table: Table) -> str:
    """Render as a GitHub-flavoured Markdown section; everything but bold cells is escaped."""
    lines = [f"## {_escape(table.title)}", ""]
    lines.append(_markdown_row(_escape(column.title) for column in table.columns))
    lines.append(_markdown_row("---:" if column.number else "---" for column in table.columns))
    for index, row in enumerate(table.rows):
        if index in table.sections:
            lines.append(_markdown_row([f"*{_escape(table.sections[index])}*", *[""] * (len(table.columns) - 1)]))
        lines.append(_markdown_row(f"**{_escape(c.text)}**" if c.best else _escape(c.text) for c in row))
    for note in table.notes:
        lines += ["", _escape(note)]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    """Render as CSV (RFC 4180, line feeds): a heading line, then the rows; notes are not in it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.title for column in table.columns)
    for row in table.rows:
        writer.writerow(cell.text if cell.value is None else cell.value for cell in row)
    return out.getvalue()


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_|<>\[\]#~])", r"\\\1", _plain(text))


def _plain(text: str) -> str:
    """One line without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))

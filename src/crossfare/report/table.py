"""A table as data, and its renderings: terminal, Markdown, CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import sub
from typing import TypeVar

import rich.console
from rich import box
from rich.cells import cell_len
from rich.console import ConsoleOptions, RenderableType, RenderResult
from rich.table import Table as RichTable
from rich.text import Text

from crossfare.report import numbers

MISSING = "-"

T = TypeVar("T")


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

    @classmethod
    def of(
        cls,
        title: str,
        columns: Mapping[Column | str, Callable[[T], Cell | str]],
        items: Iterable[T],
        notes: Iterable[str] = (),
        sections: Mapping[int, str] | None = None,
    ) -> Table:
        """A row for each item: ``columns`` are headings, each with what it says of an item."""
        headings = tuple(Column(each) if isinstance(each, str) else each for each in columns)
        said = ([says(item) for says in columns.values()] for item in items)
        rows = tuple(tuple(Cell(each) if isinstance(each, str) else each for each in row) for row in said)
        return cls(title, headings, rows, tuple(notes), sections or {})

    @classmethod
    def of_texts(
        cls, title: str, columns: Iterable[str], rows: Iterable[Iterable[str]], notes: Iterable[str] = ()
    ) -> Table:
        """Rows of texts under headings, none of them numbers."""
        return cls(title, tuple(map(Column, columns)), tuple(tuple(map(Cell, row)) for row in rows), tuple(notes))


def number(title: str) -> Column:
    """The heading of a column of numbers."""
    return Column(title, number=True)


def count(value: int | None) -> Cell:
    """A whole number; "-" for none."""
    return Cell(MISSING) if value is None else Cell(f"{value:,}", str(value))


def amount(value: float | Decimal | None) -> Cell:
    """An amount as people read it, in full for CSV; "-" for none."""
    if value is None:
        return Cell(MISSING)
    return Cell(numbers.amount(value), f"{value:f}" if isinstance(value, Decimal) else f"{value}")


def to_rich(table: Table) -> RenderableType:
    """Render for the terminal. Text from data is shown as it is, never read as markup.

    Cells wrap between words, and numbers are never cut. Where a terminal is too narrow for all columns side by side,
    they stand in several parts below each other, each with the columns that name its rows.
    """
    return _Fitted(table)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A table that takes its shape when it is printed, from the width there is."""

    table: Table

    def __rich_console__(self, _: rich.console.Console, options: ConsoleOptions) -> RenderResult:  # noqa: TID251 - rich gives its own
        table = self.table
        for number, columns in enumerate(_parts(table, options.max_width)):
            if number:
                yield Text()
            title = one_line(table.title) + (" (continued)" if number and table.title else "")
            yield _grid(table, columns, _widths(table, columns, options.max_width), title)
        if table.notes:
            yield Text("\n".join(["", *map(one_line, table.notes)]), style="dim")


_GAP = 2  # between columns: a blank of the cell's own and the column's edge
_NARROWEST, _NAMING = 15, 24
"""Characters that a text gets at the least: everywhere, and in the column that names the rows of several parts."""


def _parts(table: Table, width: int) -> list[list[int]]:
    """The columns by their index, in as many parts as it takes; those that name rows are in each."""
    every = list(range(len(table.columns)))
    if sum(_least(table, index) + _GAP for index in every) <= width + _GAP:
        return [every]
    naming = every[: 1 + _named(table)]
    taken = sum(min(_least(table, index, _NAMING), max(1, width // 2)) + _GAP for index in naming)
    parts: list[list[int]] = []
    left = -1
    for index in every[len(naming) :]:
        needed = _least(table, index) + _GAP
        if needed > left:
            parts.append([*naming])
            left = width + _GAP - taken
        parts[-1].append(index)
        left -= needed
    return parts or [naming]


def _least(table: Table, index: int, most: int = _NARROWEST) -> int:
    """The characters that a column cannot do without: its longest word, of a text so many at the most."""
    longest = max(cell_len(one_line(word)) for text in _texts(table, index) for word in text.split() or [""])
    return longest if table.columns[index].number else min(longest, most)


def _texts(table: Table, index: int) -> list[str]:
    """What stands in a column, lines of its title by themselves."""
    sections = table.sections.values() if index == _named(table) else ()
    return [*table.columns[index].title.splitlines(), *sections, *(row[index].text for row in table.rows)]


def _named(table: Table) -> int:
    """The first column that is wide enough to name rows, and sections of them."""
    return next((i for i, column in enumerate(table.columns) if len(column.title) > 1), 0)


def _widths(table: Table, columns: Sequence[int], width: int) -> list[int]:
    """What each column gets of the width: what it cannot do without, and of the rest what it can use."""
    room = width - _GAP * (len(columns) - 1)
    given = [_least(table, index, _NAMING) for index in columns]  # whole words, if there is room for them
    if sum(given) > room:
        given = [_least(table, index) for index in columns]
    wanted = [max(cell_len(one_line(text)) for text in _texts(table, index) or [""]) for index in columns]
    while sum(given) > room and max(given) > 1:  # a single word is wider than the terminal: it is folded
        given[given.index(max(given))] -= 1
    while sum(given) < room and (short := max(map(sub, wanted, given), default=0)) > 0:
        given[list(map(sub, wanted, given)).index(short)] += 1
    return given


def _grid(table: Table, columns: Sequence[int], widths: Sequence[int], title: str) -> RichTable:
    grid = RichTable(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        title=Text(title, style="bold") if title else None,
        title_justify="left",
    )
    for column, width in zip((table.columns[index] for index in columns), widths, strict=True):
        heading = Text("\n".join(one_line(line) for line in column.title.splitlines()))
        grid.add_column(heading, justify="right" if column.number else "left", width=width, overflow="fold")
    for place, row in enumerate(table.rows):
        if place in table.sections:
            heading = Text(one_line(table.sections[place]), style="italic")
            grid.add_row(*(heading if index == _named(table) else "" for index in columns))
        grid.add_row(*(Text(one_line(row[i].text), style="bold" if row[i].best else "") for i in columns))
    return grid


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
    return re.sub(r"([\\`*_|<>\[\]#~])", r"\\\1", one_line(text))


def one_line(text: str) -> str:
    """One line without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(text.split()))

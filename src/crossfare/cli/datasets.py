"""The known datasets, and what a file holds."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crossfare.cli.terminal import say

app = typer.Typer(help="List the known datasets, or inspect a file.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def list_datasets(context: typer.Context) -> None:
    """List the known datasets, or inspect a file."""
    if context.invoked_subcommand:
        return
    from crossfare.data import catalog

    table = Table("name", "task", "languages", "licence", "examples", "source", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for column in table.columns:
        column.overflow = "fold"
    for entry in catalog():
        sizes = "\n".join(f"{split} {size:,}" for split, size in entry.sizes)
        row = (entry.name, entry.task, " ".join(entry.languages), entry.licence, sizes, entry.ref or entry.source)
        table.add_row(*map(escape, row))
    Console().print(table)


@app.command("inspect")
def inspect_dataset(
    file: Annotated[str, typer.Argument(help="A dataset file, world:qa, world:nli or hub:OWNER/NAME.")],
    name: Annotated[str | None, typer.Option("--as", help="Compare with the paper's figures for this set.")] = None,
    task: Annotated[str | None, typer.Option(help="qa or nli, where the file does not tell.")] = None,
    language: Annotated[str | None, typer.Option(help="Language (BCP-47), where the file does not tell.")] = None,
    split: Annotated[str | None, typer.Option(help="Split, for world: and hub: datasets.")] = None,
) -> None:
    """Count examples and characters, list repairs and duplicates, and compare with the paper."""
    from crossfare import data

    shown = data.tabulate(data.inspect(file, name=name, task=task, language=language, split=split))  # type: ignore[arg-type]
    table = Table(title=escape(shown.title), title_justify="left", box=None, pad_edge=False)
    for number, heading in enumerate(shown.columns):
        broken = escape(heading).replace(" ", "\n", 1)  # a narrow terminal needs the room for the labels
        table.add_column(broken, justify="right" if number else "left", no_wrap=number > 0)
    for row in shown.rows:
        cells = (row.label, row.value, row.without_space, row.paper, row.difference)
        table.add_row(*map(escape, cells[: len(shown.columns)]))
    Console().print(table)
    say(*shown.notes)

"""The known datasets, and what a file holds."""

from __future__ import annotations

from typing import Annotated

import typer

from crossfare.cli.options import ReadingOptions, with_groups
from crossfare.cli.terminal import say, show
from crossfare.cli.values import told

app = typer.Typer(help="List the known datasets, or inspect a file.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def list_datasets(context: typer.Context) -> None:
    """List the known datasets, or inspect a file."""
    if context.invoked_subcommand:
        return
    from crossfare.data import catalog
    from crossfare.report import Table

    rows = []
    for entry in catalog():
        sizes = ", ".join(f"{split} {size:,}" for split, size in entry.sizes)
        origin = entry.ref or entry.source
        rows.append((entry.name, entry.task, " ".join(entry.languages), entry.licence, sizes, origin))
    show([Table.of_texts("", ("name", "task", "languages", "licence", "examples", "source"), rows)])


@app.command("inspect")
@with_groups
def inspect_dataset(
    file: Annotated[str, typer.Argument(help="A dataset file, world:qa, world:nli or hub:OWNER/NAME.")],
    name: Annotated[str | None, typer.Option("--as", help="Compare with the paper's figures for this set.")] = None,
    task: Annotated[str | None, typer.Option(help="The task, such as nli, where the file does not tell.")] = None,
    language: Annotated[str | None, typer.Option(help="Language (BCP-47), where the file does not tell.")] = None,
    split: Annotated[str | None, typer.Option(help="Split, for world: and hub: datasets.")] = None,
    *,
    reading: ReadingOptions,
) -> None:
    """Count examples and characters, list repairs and duplicates, and compare with the paper."""
    from crossfare import data

    shown = data.tabulate(data.inspect(file, name=name, task=task, language=language, split=split, **told(reading)))
    from crossfare.report import Cell, Column, Table

    # A narrow terminal needs the room for the labels.
    headings = (heading.replace(" ", "\n", 1) for heading in shown.columns[1:])
    columns = (Column("what"), *(Column(heading, number=True) for heading in headings))
    rows = [(row.label, row.value, row.without_space, row.paper, row.difference)[: len(columns)] for row in shown.rows]
    show([Table(shown.title, columns, tuple(tuple(map(Cell, row)) for row in rows))])
    say(*shown.notes)

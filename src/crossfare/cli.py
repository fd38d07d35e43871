"""The command line: one short command per verb; the same verbs as the Python API."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crossfare.errors import ConfigError, CrossfareError

app = typer.Typer(
    name="crossfare",
    help="Which way of crossing a language barrier is worth its fare?",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
datasets_app = typer.Typer(help="List the known datasets, or inspect a file.", rich_markup_mode=None)
app.add_typer(datasets_app, name="datasets")

Out = Annotated[Path | None, typer.Option(help="Run directory (default: runs/NAME).")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Steps to run side by side (default: one per core).")]
Targets = Annotated[str | None, typer.Option(help="Only these target languages, separated by commas.")]
Tasks = Annotated[str | None, typer.Option(help="Only these tasks, separated by commas.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List the steps and what is cached; run nothing.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the tables only, no progress.")]


_TABLE_WIDTH = 100  # narrower terminals wrap a line rather than lose a column


def main() -> None:
    """Entry point: a known error is one line and status 2, an unknown one a traceback."""
    try:
        app()
    except CrossfareError as error:
        _fail(str(error), 2)
    except KeyboardInterrupt:
        _fail("stopped; finished steps are kept, run again to go on", 130)


def _fail(message: str, status: int) -> None:
    Console(stderr=True).print(f"crossfare: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(status)


@app.command()
def demo(
    targets: Targets = None,
    tasks: Tasks = None,
    out: Out = None,
    jobs: Jobs = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    seeds: Annotated[str | None, typer.Option(help="Seeds, separated by commas (default: 0).")] = None,
) -> None:
    """Run the whole comparison offline, on the embedded data and models."""
    from crossfare import experiment

    spec = experiment.demo_spec(seeds=_numbers(seeds))
    _run(spec, targets, tasks, out, jobs, dry_run, quiet)


@app.command()
def run(
    spec: Annotated[Path, typer.Argument(help="The spec, a YAML file (see docs/spec.md).")],
    targets: Targets = None,
    tasks: Tasks = None,
    out: Out = None,
    jobs: Jobs = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder that data paths in the spec are relative to.")] = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
) -> None:
    """Run a spec: every cell of its matrix, shared steps once, finished steps never again."""
    from crossfare import experiment

    _run(experiment.load_spec(spec, data_dir=data_dir), targets, tasks, out, jobs, dry_run, quiet)


def _run(
    spec: experiment.Spec,  # type: ignore[name-defined]  # noqa: F821 - imported where a command needs it
    targets: str | None,
    tasks: str | None,
    out: Path | None,
    jobs: int | None,
    dry_run: bool,
    quiet: bool,
) -> None:
    from crossfare import experiment
    from crossfare.report import to_rich

    spec = experiment.narrowed(spec, targets=_list(targets), tasks=_list(tasks))
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    if dry_run:
        _print_steps(console, experiment.dry_run(spec))
        return
    finished = experiment.run(spec, out=out, jobs=jobs, console=console, quiet=quiet)
    for table in finished.tables:
        console.print(to_rich(table))
        console.print()
    console.print(f"Results, tables and ledger: {finished.folder}", soft_wrap=True, markup=False, highlight=False)


def _print_steps(console: Console, steps: tuple[tuple[str, str, bool], ...]) -> None:
    table = Table("step", "id", "state", box=None)
    for label, step_id, done in steps:
        table.add_row(escape(label), step_id, "cached" if done else "to do")
    console.print(table)
    cached = sum(done for _, _, done in steps)
    console.print(f"{len(steps)} steps: {cached} cached, {len(steps) - cached} to do")


def _list(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def _numbers(text: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in _list(text))
    except ValueError:
        raise ConfigError(f"--seeds takes whole numbers separated by commas, not {text!r}") from None


@app.command()
def translate(
    file: Annotated[Path, typer.Argument(metavar="INPUT", help="A dataset in any supported format.")],
    task: Annotated[str, typer.Option(help="qa or nli.")],
    source: Annotated[str, typer.Option(help="Language of the input (BCP-47).")],
    target: Annotated[str, typer.Option(help="Language to translate into (BCP-47).")],
    engine: Annotated[str, typer.Option(help="Engine name; `crossfare engines` lists them.")],
    out: Annotated[Path, typer.Option(metavar="OUTPUT", help="File to write, in the input's format.")],
    model: Annotated[str | None, typer.Option(help="Model for engines that load one: a folder or hub id.")] = None,
    markers: Annotated[str | None, typer.Option(help="Answer delimiters, separated by a comma.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first examples.")] = None,
) -> None:
    """Translate a dataset; answers stay where they belong, and lost examples are listed."""
    from crossfare import experiment

    report = experiment.translate_file(
        file,
        out,
        task=task,
        source=source,
        target=target,
        engine=engine,
        model=model,
        markers=_list(markers),
        limit=limit,
    )
    console = Console()
    for line in report:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command("tune-markers")
def tune_markers(
    model: Annotated[str, typer.Argument(help="Translation model: embedded:NAME, a folder or a hub id.")],
    parallel: Annotated[Path, typer.Option(help="Parallel text: TSV or JSONL with source and target.")],
    source: Annotated[str, typer.Option(help="Source language (BCP-47).")],
    target: Annotated[str, typer.Option(help="Target language (BCP-47).")],
    out: Annotated[Path, typer.Option(help="Folder for the fine-tuned model.")],
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 500,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 5e-5,
    batch_size: Annotated[int, typer.Option(min=1, help="Sentences per step.")] = 32,
    seed: Annotated[int, typer.Option(help="Seed.")] = 0,
) -> None:
    """Fine-tune a translation model to keep answer delimiters (paper, section 4.2)."""
    from crossfare import experiment

    report = experiment.tune_markers(
        model,
        parallel,
        source=source,
        target=target,
        out=out,
        steps=steps,
        learning_rate=learning_rate,
        batch_size=batch_size,
        seed=seed,
    )
    console = Console()
    for line in report:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@datasets_app.callback(invoke_without_command=True)
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


@datasets_app.command("inspect")
def inspect_dataset(
    file: Annotated[str, typer.Argument(help="A dataset file, world:qa, world:nli or hub:NAME.")],
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
        table.add_column(escape(heading), justify="right" if number else "left", no_wrap=number > 0)
    for row in shown.rows:
        cells = (row.label, row.value, row.without_space, row.paper, row.difference)
        table.add_row(*map(escape, cells[: len(shown.columns)]))
    console = Console()
    console.print(table)
    for note in shown.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)


@app.command()
def prices(
    file: Annotated[list[Path] | None, typer.Option(help="Further price files, such as your own rates.")] = None,
) -> None:
    """List the price records, with their age and source."""
    from crossfare.ledger import Catalogue
    from crossfare.report import price_table, to_rich

    Console().print(to_rich(price_table(Catalogue.load(file or ()))))


@app.command()
def engines() -> None:
    """List the translation engines, and what is missing to use one."""
    from crossfare import translate as translation

    table = Table("engine", "state", "what it is", box=None)
    for info in translation.engines():
        state = f"needs {', '.join(info.missing)}: {info.install}" if info.missing else "ready"
        table.add_row(escape(info.name), escape(state), escape(info.summary))
    Console().print(table)
